// Helpers for other packages' tests and benches.

export type { XorSeriesKind, XorThroughput } from "./xor-throughput.ts";
export { makeXorSamples, measureXor, TestColumns } from "./xor-throughput.ts";
