// Public names of @deucalion/objstore.
export {};
