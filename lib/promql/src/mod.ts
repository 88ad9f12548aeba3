// Public names of @deucalion/promql.
export {};
