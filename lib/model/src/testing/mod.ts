// Helpers for tests of other packages.
export type { MemorySeries, MemorySourceOptions } from "./memory-source.ts";
export { MemorySource, memorySourceDefaults } from "./memory-source.ts";
