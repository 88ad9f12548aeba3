// Public names of @deucalion/blocks.
export {};
