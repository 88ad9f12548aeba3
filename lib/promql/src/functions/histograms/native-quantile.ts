// Quantiles and fractions of one native histogram.
import {
  BucketCursor,
  bucketBound,
  bucketIndexes,
  exponentialBound,
  type FloatHistogram,
  fractionBelow,
  goExp2,
  goLog2,
  usesCustomBuckets,
} from "@deucalion/model";
import { FractionRanks } from "./fraction-ranks.ts";

/** What there was to remark about histograms with NaN observations; set, never cleared. */
export interface NaNRemarks {
  /** The quantile lies among the NaN observations. */
  result: boolean;
  /** NaN observations count as very large ones. */
  skew: boolean;
}

/**
 * The `q`-quantile. Exponential buckets are interpolated on a logarithmic scale, custom buckets and the zero bucket
 * linearly. NaN for a histogram without observations.
 */
export function nativeQuantile(q: number, h: FloatHistogram, remarks: NaNRemarks): number {
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  if (h.count === 0 || Number.isNaN(q)) return Number.NaN;
  const hasNaN = Number.isNaN(h.sum);
  const forward = hasNaN || q < 0.5;
  let rank = (forward ? q : 1 - q) * h.count;
  const negatives = h.negativeBuckets.length;
  const zeros = h.zeroCount > 0 ? 1 : 0;
  const places = negatives + zeros + h.positiveBuckets.length;
  // Buckets are numbered by value: negative ones from the outermost on, the zero bucket, positive ones.
  const step = forward ? 1 : -1;
  let place = forward ? -1 : places;
  let count = 0;
  let bucketCount = 0;
  for (let left = places; left > 0 && (count < rank || bucketCount === 0); left--) {
    place += step;
    bucketCount = countAt(h, place, negatives, zeros);
    count += bucketCount;
  }
  let lower = places === 0 ? 0 : lowerAt(h, place, negatives, zeros);
  let upper = places === 0 ? 0 : upperAt(h, place, negatives, zeros);
  const custom = usesCustomBuckets(h);
  if (!custom && lower < 0 && upper > 0) {
    const negative = h.negativeBuckets.length > 0;
    const positive = h.positiveBuckets.length > 0;
    if (!negative && positive) lower = 0;
    else if (!positive && negative) upper = 0;
  } else if (custom) {
    if (lower === -Infinity) {
      if (upper <= 0) return upper;
      lower = 0;
    } else if (upper === Infinity) return lower;
  }
  if (count > h.count) count = h.count;
  if (count < rank) {
    if (!hasNaN) return upper;
    remarks.result = true;
    return Number.NaN;
  }
  rank = forward ? rank - (count - bucketCount) : count - rank;
  if (hasNaN) {
    let all = count;
    // As in Prometheus, what is interpolated in is the last bucket walked over.
    if (place + 1 < places) {
      lower = lowerAt(h, places - 1, negatives, zeros);
      upper = upperAt(h, places - 1, negatives, zeros);
    }
    while (place + 1 < places) {
      bucketCount = countAt(h, ++place, negatives, zeros);
      all += bucketCount;
    }
    if (all < h.count) remarks.skew = true;
  }
  const fraction = rank / bucketCount;
  if (custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = goLog2(Math.abs(lower));
  const logUpper = goLog2(Math.abs(upper));
  if (lower > 0) return goExp2(logLower + (logUpper - logLower) * fraction);
  return -goExp2(logUpper + (logLower - logUpper) * (1 - fraction));
}

function countAt(h: FloatHistogram, place: number, negatives: number, zeros: number): number {
  if (place < negatives) return h.negativeBuckets[negatives - 1 - place]!;
  const rest = place - negatives;
  return rest < zeros ? h.zeroCount : h.positiveBuckets[rest - zeros]!;
}

/** The edge towards zero is not within the zero bucket. */
function innerEdge(h: FloatHistogram, bound: number): number {
  return bound > 0 && bound < h.zeroThreshold ? h.zeroThreshold : bound;
}

function lowerAt(h: FloatHistogram, place: number, negatives: number, zeros: number): number {
  if (place < negatives) {
    return -exponentialBound(bucketIndexes(h.negativeSpans)[negatives - 1 - place]!, h.schema);
  }
  const rest = place - negatives;
  if (rest < zeros) return -h.zeroThreshold;
  const index = bucketIndexes(h.positiveSpans)[rest - zeros]!;
  return innerEdge(h, bucketBound(index - 1, h.schema, h.customValues));
}

function upperAt(h: FloatHistogram, place: number, negatives: number, zeros: number): number {
  if (place < negatives) {
    const index = bucketIndexes(h.negativeSpans)[negatives - 1 - place]!;
    return -innerEdge(h, exponentialBound(index - 1, h.schema));
  }
  const rest = place - negatives;
  if (rest < zeros) return h.zeroThreshold;
  return bucketBound(bucketIndexes(h.positiveSpans)[rest - zeros]!, h.schema, h.customValues);
}

/**
 * The share of observations between two values; NaN without observations. NaN observations are in no bucket, but in
 * the total.
 */
export function nativeFraction(
  from: number,
  to: number,
  h: FloatHistogram,
  remarks: NaNRemarks,
): number {
  if (h.count === 0 || Number.isNaN(from) || Number.isNaN(to)) return Number.NaN;
  if (from >= to) return 0;
  const custom = usesCustomBuckets(h);
  const onlyPositive = h.negativeBuckets.length === 0 && h.positiveBuckets.length > 0;
  const onlyNegative = h.positiveBuckets.length === 0 && h.negativeBuckets.length > 0;
  let count = 0;
  let rank = 0;
  const ranks = new FractionRanks(from, to);
  const cursor = new BucketCursor(h, "ascending");
  while (cursor.next()) {
    count += cursor.count;
    let lower = cursor.lower;
    let upper = cursor.upper;
    const zero = lower <= 0 && upper >= 0;
    if (zero && onlyPositive) lower = 0;
    else if (zero && onlyNegative) upper = 0;
    const linear = custom || zero;
    const rankOf = (value: number): number => {
      if (linear && lower === -Infinity) return cursor.count;
      return rank + cursor.count * fractionBelow(lower, upper, value, linear);
    };
    if (ranks.see(lower, upper, rank, rankOf)) break;
    rank += cursor.count;
  }
  if (Number.isNaN(h.sum)) {
    while (cursor.next()) count += cursor.count;
    if (count < h.count) remarks.skew = true;
  } else count = h.count;
  return ranks.between(count) / h.count;
}

/** The variance of a histogram, each bucket taken at its (geometric) middle. */
export function nativeVariance(h: FloatHistogram): number {
  const custom = usesCustomBuckets(h);
  const mean = h.sum / h.count;
  let sum = 0;
  let low = 0;
  for (const cursor = new BucketCursor(h, "ascending"); cursor.next(); ) {
    if (cursor.count === 0) continue;
    const lower = cursor.lower;
    const upper = cursor.upper;
    let middle: number;
    if (custom) middle = (upper + lower) / 2;
    else if (lower <= 0 && upper >= 0) middle = 0;
    else middle = upper < 0 ? -Math.sqrt(upper * lower) : Math.sqrt(upper * lower);
    const delta = middle - mean;
    const value = cursor.count * delta * delta;
    const total = sum + value;
    if (total === Infinity || total === -Infinity) low = 0;
    else if (Math.abs(sum) >= Math.abs(value)) low += sum - total + value;
    else low += value - total + sum;
    sum = total;
  }
  return (sum + low) / h.count;
}
