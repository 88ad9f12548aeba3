// Native histograms as data. Arithmetic on them is in histogram/.

/** A run of consecutive buckets: `offset` from the end of the previous run (absolute for the first), `length` buckets. */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

export type CounterResetHint = "unknown" | "reset" | "not_reset" | "gauge";

/** Schema of native histograms with custom buckets. */
export const customBucketsSchema = -53;

/**
 * A native histogram with absolute bucket counts as floats, whatever it was stored as.
 * Immutable: spans, buckets and custom values may be shared between samples of a chunk.
 * A stale marker has a `sum` with the stale bits and no buckets.
 */
export interface FloatHistogram {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  /** Absolute counts, one for each bucket that the spans name. */
  readonly positiveBuckets: Float64Array;
  readonly negativeBuckets: Float64Array;
  /** Upper bounds of custom buckets (schema −53), ascending, without +Inf; empty for other schemas. */
  readonly customValues: Float64Array;
  readonly counterResetHint: CounterResetHint;
  /** What the sample was stored as: integer histograms are written back as integers. */
  readonly integer: boolean;
}
