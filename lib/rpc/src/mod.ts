// Public names of @deucalion/rpc.
export {};
