// Public names of @deucalion/tsdb.
export {};
