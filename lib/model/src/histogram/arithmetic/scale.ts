// Multiplying and dividing native histograms by numbers, and changing their hint.

import type { CounterResetHint, FloatHistogram } from "../../histogram.ts";
import { newBuckets } from "../buckets/bucket-columns.ts";

function scaled(buckets: Float64Array, factor: number, divide: boolean): Float64Array {
  const out = newBuckets(buckets.length);
  if (divide) for (let i = 0; i < out.length; i++) out[i] = buckets[i]! / factor;
  else for (let i = 0; i < out.length; i++) out[i] = buckets[i]! * factor;
  return out;
}

/** Every count and the sum times `factor`; a negative factor makes a gauge. */
export function multiplyHistogram(h: FloatHistogram, factor: number): FloatHistogram {
  return {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCount: h.zeroCount * factor,
    count: h.count * factor,
    sum: h.sum * factor,
    positiveSpans: h.positiveSpans,
    negativeSpans: h.negativeSpans,
    positiveBuckets: scaled(h.positiveBuckets, factor, false),
    negativeBuckets: scaled(h.negativeBuckets, factor, false),
    customValues: h.customValues,
    counterResetHint: factor < 0 ? "gauge" : h.counterResetHint,
    integer: false,
  };
}

const noBuckets = new Float64Array(0);

/** Every count and the sum divided by `divisor`; a negative one makes a gauge, 0 removes the buckets. */
export function divideHistogram(h: FloatHistogram, divisor: number): FloatHistogram {
  const zero = divisor === 0;
  return {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCount: h.zeroCount / divisor,
    count: h.count / divisor,
    sum: h.sum / divisor,
    positiveSpans: zero ? [] : h.positiveSpans,
    negativeSpans: zero ? [] : h.negativeSpans,
    positiveBuckets: zero ? noBuckets : scaled(h.positiveBuckets, divisor, true),
    negativeBuckets: zero ? noBuckets : scaled(h.negativeBuckets, divisor, true),
    customValues: h.customValues,
    counterResetHint: divisor < 0 ? "gauge" : h.counterResetHint,
    integer: false,
  };
}

/** The same histogram with another hint; the same object where it has it already. */
export function withHint(h: FloatHistogram, hint: CounterResetHint): FloatHistogram {
  if (h.counterResetHint === hint) return h;
  return {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCount: h.zeroCount,
    count: h.count,
    sum: h.sum,
    positiveSpans: h.positiveSpans,
    negativeSpans: h.negativeSpans,
    positiveBuckets: h.positiveBuckets,
    negativeBuckets: h.negativeBuckets,
    customValues: h.customValues,
    counterResetHint: hint,
    integer: h.integer,
  };
}
