// The difference of two native histograms times a number, in one go: the inner step of `rate`.
import type { FloatHistogram } from "../../histogram.ts";
import { newBuckets } from "../buckets/bucket-columns.ts";
import { compactHistogram } from "../buckets/compact.ts";
import { alike } from "./add.ts";

/** Fills a new column; `empty.found` tells of buckets without a difference. */
function scaledColumn(
  last: Float64Array,
  first: Float64Array,
  factor: number,
  empty: { found: boolean },
): Float64Array {
  const count = last.length;
  const out = newBuckets(count);
  let found = false;
  for (let i = 0; i < count; i++) {
    const difference = last[i]! - first[i]!;
    if (difference === 0) found = true;
    out[i] = difference * factor;
  }
  if (found) empty.found = true;
  return out;
}

/**
 * `(last − first) × factor` as a compacted gauge, to the last bit what subtracting, compacting and multiplying give.
 * Null where the layouts differ: then do it step by step. `factor` must not be negative.
 */
export function scaledDifference(
  last: FloatHistogram,
  first: FloatHistogram,
  factor: number,
): FloatHistogram | null {
  if (!alike(last, first)) return null;
  const empty = { found: false };
  const result: FloatHistogram = {
    schema: last.schema,
    zeroThreshold: last.zeroThreshold,
    zeroCount: (last.zeroCount - first.zeroCount) * factor,
    count: (last.count - first.count) * factor,
    sum: (last.sum - first.sum) * factor,
    positiveSpans: last.positiveSpans,
    negativeSpans: last.negativeSpans,
    positiveBuckets: scaledColumn(last.positiveBuckets, first.positiveBuckets, factor, empty),
    negativeBuckets: scaledColumn(last.negativeBuckets, first.negativeBuckets, factor, empty),
    customValues: last.customValues,
    counterResetHint: "gauge",
    integer: false,
  };
  return empty.found ? compactHistogram(result) : result;
}
