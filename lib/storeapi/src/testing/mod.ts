// Helpers for tests of this and other packages.

export type { RecordedCall } from "./recorded-calls.ts";
export { conformanceRoot, parseFrames, recordedCalls } from "./recorded-calls.ts";
