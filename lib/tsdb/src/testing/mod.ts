// Helpers for other packages' tests.

export type { ConformanceBlock } from "./conformance.ts";
export {
  conformanceBlocks,
  conformanceMissing,
  conformanceRoot,
  readGzippedLines,
} from "./conformance.ts";
export type { FileFaults } from "./faulty-files.ts";
export type { FuzzDeps, FuzzOptions, FuzzResult, FuzzTarget } from "./fuzz.ts";
export { fuzz, fuzzDefaults, processFuzzDeps } from "./fuzz.ts";
export { fuzzTargets } from "./fuzz-targets.ts";
export type { ChunkV1 } from "./index-v1.ts";
export { encodeIndexV1 } from "./index-v1.ts";
export type { FaultyStart } from "./with-file-faults.ts";
export { withFileFaults } from "./with-file-faults.ts";
export type { KilledWriter } from "./write-and-kill.ts";
export { faultsOfRun, untilDone, writeAndKill } from "./write-and-kill.ts";
