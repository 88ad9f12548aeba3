// Public names of the app, for whole-system tests.
export {};
