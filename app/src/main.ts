// Entry of the executable.
export {};
