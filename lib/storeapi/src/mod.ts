// Public names of @deucalion/storeapi.
export {};
