// Native histograms without observations.
import type { FloatHistogram } from "../histogram.ts";

const none = new Float64Array(0);

/** A histogram without any observation or bucket, for arithmetic and for `{ ...emptyHistogram(), … }`. */
export function emptyHistogram(schema = 0, customValues: Float64Array = none): FloatHistogram {
  return {
    schema,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: none,
    negativeBuckets: none,
    customValues,
    counterResetHint: "unknown",
    integer: false,
  };
}
