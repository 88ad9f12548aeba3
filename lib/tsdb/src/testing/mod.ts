// Helpers for other packages' tests.

export type { ConformanceBlock } from "./conformance.ts";
export {
  conformanceBlocks,
  conformanceMissing,
  conformanceRoot,
  readGzippedLines,
} from "./conformance.ts";
