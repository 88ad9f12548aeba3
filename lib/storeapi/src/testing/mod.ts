// Helpers for tests and measurements of this and other packages.

export type { FuzzTarget } from "./fuzz-targets.ts";
export { fuzzTarget, fuzzTargets } from "./fuzz-targets.ts";
export type { StreamMeasurement, StreamOptions } from "./measure-series-stream.ts";
export {
  measureSeriesStream,
  readSynthetic,
  serveSynthetic,
  streamDefaults,
} from "./measure-series-stream.ts";
export type { RecordedCall } from "./recorded-calls.ts";
export { conformanceRoot, parseFrames, recordedCalls } from "./recorded-calls.ts";
export type { SyntheticOptions } from "./synthetic-source.ts";
export { syntheticSource } from "./synthetic-source.ts";
