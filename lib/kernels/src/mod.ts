// Public names of @deucalion/kernels.
export {};
