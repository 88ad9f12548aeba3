// Cutting observations above or below a value out of a native histogram: PromQL's `</` and `>/`.
import type { FloatHistogram } from "../../histogram.ts";
import { bucketBound } from "../buckets/bounds.ts";
import { copyBuckets } from "../buckets/bucket-columns.ts";
import { compactHistogram } from "../buckets/compact.ts";
import { bucketIndexes } from "../buckets/layout.ts";
import { goLog2 } from "../go-exponent.ts";
import { usesCustomBuckets } from "./add.ts";

interface Kept {
  readonly count: number;
  /** Where the kept observations lie, for the new sum. */
  readonly midpoint: number;
}

/** The share of a bucket's observations below `value`, which lies within it. */
export function fractionBelow(
  lower: number,
  upper: number,
  value: number,
  linear: boolean,
): number {
  if (linear) return (value - lower) / (upper - lower);
  const logLower = goLog2(Math.abs(lower));
  const logUpper = goLog2(Math.abs(upper));
  const logValue = goLog2(Math.abs(value));
  if (value > 0) return (logValue - logLower) / (logUpper - logLower);
  return 1 - (logValue - logUpper) / (logLower - logUpper);
}

function finiteOrZero(value: number): number {
  return Number.isFinite(value) || Number.isNaN(value) ? value : 0;
}

function midpointOf(lower: number, upper: number, positive: boolean, linear: boolean): number {
  const infinite = (value: number): boolean => value === Infinity || value === -Infinity;
  if (infinite(lower)) {
    if (infinite(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (infinite(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const mean = Math.sqrt(Math.abs(lower * upper));
  return positive ? mean : -mean;
}

/** A bucket without end on one side can only be split where its other end is on the far side of zero. */
function keptOfInfinite(
  lower: number,
  upper: number,
  count: number,
  at: number,
  above: boolean,
): Kept {
  if (lower === -Infinity) {
    if (!above) {
      if (at >= upper) return { count, midpoint: 0 };
      if (at > 0 && upper > 0 && upper !== Infinity) {
        return { count: (count * at) / upper, midpoint: at / 2 };
      }
      if (upper <= 0) return { count, midpoint: at };
      return { count: 0, midpoint: finiteOrZero(upper) };
    }
    if (at <= lower) return { count, midpoint: 0 };
    if (at >= 0 && upper > at && upper !== Infinity) {
      return { count: count * (1 - at / upper), midpoint: (at + upper) / 2 };
    }
    return { count: 0, midpoint: finiteOrZero(upper) };
  }
  if (above && at >= lower) return { count, midpoint: at };
  return { count: 0, midpoint: finiteOrZero(lower) };
}

function keptOfCut(
  lower: number,
  upper: number,
  count: number,
  at: number,
  above: boolean,
  positive: boolean,
  linear: boolean,
): Kept {
  if (lower === -Infinity || upper === Infinity) {
    return keptOfInfinite(lower, upper, count, at, above);
  }
  let under: number;
  if (at <= lower) under = 0;
  else if (at >= upper) under = count;
  else under = count * fractionBelow(lower, upper, at, linear);
  if (!above) return { count: under, midpoint: midpointOf(lower, at, positive, linear) };
  return { count: count - under, midpoint: midpointOf(at, upper, positive, linear) };
}

function keptOfZero(h: FloatHistogram, at: number, above: boolean, sides: Sides): Kept {
  const upper = sides.negative && !sides.positive ? 0 : h.zeroThreshold;
  const lower = sides.positive && !sides.negative ? 0 : -h.zeroThreshold;
  const count = h.zeroCount;
  const whole = { count, midpoint: (lower + upper) / 2 };
  const none = { count: 0, midpoint: 0 };
  if (at <= lower) return above ? whole : none;
  if (at >= upper) return above ? none : whole;
  const share = (above ? upper - at : at - lower) / (upper - lower);
  return { count: count * share, midpoint: (above ? at + upper : lower + at) / 2 };
}

interface Sides {
  positive: boolean;
  negative: boolean;
}

interface Total {
  count: number;
  sum: number;
  trimmed: boolean;
}

function trimSide(
  h: FloatHistogram,
  positive: boolean,
  at: number,
  above: boolean,
  total: Total,
  sides: Sides,
): Float64Array {
  const linear = usesCustomBuckets(h);
  const indexes = bucketIndexes(positive ? h.positiveSpans : h.negativeSpans);
  const buckets = copyBuckets(positive ? h.positiveBuckets : h.negativeBuckets);
  for (let i = 0; i < buckets.length; i++) {
    const count = buckets[i]!;
    if (count === 0) continue;
    sides[positive ? "positive" : "negative"] = true;
    const outer = bucketBound(indexes[i]!, h.schema, h.customValues);
    const inner = bucketBound(indexes[i]! - 1, h.schema, h.customValues);
    const lower = positive ? inner : -outer;
    const upper = positive ? outer : -inner;
    let kept: Kept;
    if (above ? lower >= at : upper <= at) {
      kept = { count, midpoint: midpointOf(lower, upper, positive, linear) };
    } else if (above ? upper > at : lower < at) {
      kept = keptOfCut(lower, upper, count, at, above, positive, linear);
    } else {
      buckets[i] = 0;
      total.trimmed = true;
      continue;
    }
    total.count += kept.count;
    total.sum += kept.midpoint * kept.count;
    if (kept.count !== count) {
      buckets[i] = kept.count;
      total.trimmed = true;
    }
  }
  return buckets;
}

/**
 * Keeps the observations above `at` (`above`, PromQL's `>/`) or below it (`</`), splitting the bucket that `at` falls
 * into; the sum is estimated anew. The same object where nothing was cut.
 */
export function trimHistogram(h: FloatHistogram, at: number, above: boolean): FloatHistogram {
  const total: Total = { count: 0, sum: 0, trimmed: false };
  const sides: Sides = { positive: false, negative: false };
  const positiveBuckets = trimSide(h, true, at, above, total, sides);
  const negativeBuckets = trimSide(h, false, at, above, total, sides);
  let zeroCount = h.zeroCount;
  if (zeroCount > 0) {
    const kept = keptOfZero(h, at, above, sides);
    if (kept.count !== zeroCount) {
      zeroCount = kept.count;
      total.trimmed = true;
    }
    total.sum += kept.midpoint * kept.count;
    total.count += kept.count;
  }
  if (!total.trimmed) return h;
  return compactHistogram({
    ...h,
    zeroCount,
    count: total.count,
    sum: total.sum,
    positiveBuckets,
    negativeBuckets,
    integer: false,
  });
}
