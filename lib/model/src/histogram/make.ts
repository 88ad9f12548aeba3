// Building native histograms from few given fields.
import type { FloatHistogram } from "../histogram.ts";

const none = new Float64Array(0);

/** What an observation-free histogram of schema 0 has, for `{ ...emptyHistogram, … }`. */
export const emptyHistogram: FloatHistogram = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  negativeSpans: [],
  positiveBuckets: none,
  negativeBuckets: none,
  customValues: none,
  counterResetHint: "unknown",
  integer: false,
};
