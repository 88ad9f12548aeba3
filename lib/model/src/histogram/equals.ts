// Equality of native histograms as data.
import type { FloatHistogram } from "../histogram.ts";
import { usesCustomBuckets } from "./arithmetic/add.ts";
import { sameCustomBounds } from "./buckets/bounds.ts";
import { bucketIndexes, sameIndexes } from "./buckets/layout.ts";

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/**
 * True if both have the same buckets (empty ones included) with the same counts. The hint does not matter, nor how the
 * buckets are cut into spans. A NaN equals a NaN, 0 and −0 differ.
 */
export function equalHistograms(a: FloatHistogram, b: FloatHistogram): boolean {
  return (
    a === b ||
    (a.schema === b.schema &&
      Object.is(a.count, b.count) &&
      Object.is(a.sum, b.sum) &&
      a.zeroThreshold === b.zeroThreshold &&
      Object.is(a.zeroCount, b.zeroCount) &&
      (!usesCustomBuckets(a) || sameCustomBounds(a.customValues, b.customValues)) &&
      sameIndexes(bucketIndexes(a.positiveSpans), bucketIndexes(b.positiveSpans)) &&
      sameIndexes(bucketIndexes(a.negativeSpans), bucketIndexes(b.negativeSpans)) &&
      sameNumbers(a.positiveBuckets, b.positiveBuckets) &&
      sameNumbers(a.negativeBuckets, b.negativeBuckets))
  );
}
