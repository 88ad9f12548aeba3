// Adding and subtracting native histograms whose schemas, zero buckets or custom bounds may differ.

import type { BucketSpan, CounterResetHint, FloatHistogram } from "../../histogram.ts";
import { customBucketsSchema } from "../../histogram.ts";
import { exponentialBound, intersectCustomBounds, sameCustomBounds } from "../buckets/bounds.ts";
import { newBuckets } from "../buckets/bucket-columns.ts";
import { bucketIndexes, sameIndexes, spansOf } from "../buckets/layout.ts";
import {
  addSides,
  bucketsWithin,
  coarsenSide,
  emptySide,
  mapCustomBuckets,
  type Side,
} from "../buckets/side.ts";
import { borrowParts, reconcileZero } from "../buckets/zero-bucket.ts";

/** What an addition or subtraction gave, and what there is to tell the user about it. */
export interface HistogramOutcome {
  readonly histogram: FloatHistogram;
  /** One operand was marked as a counter reset, the other as none. */
  readonly hintsCollide: boolean;
  /** Custom bounds differed and were cut down to those both have. */
  readonly boundsReconciled: boolean;
}

/** True for the one schema with custom buckets. */
export function usesCustomBuckets(h: FloatHistogram): boolean {
  return h.schema === customBucketsSchema;
}

/** The hint of a sum; a collision of "reset" and "not_reset" gives "unknown". */
export function combineHints(a: CounterResetHint, b: CounterResetHint): CounterResetHint {
  if (a === b) return a;
  return a === "gauge" || b === "gauge" ? "gauge" : "unknown";
}

/** True where one says "reset" and the other "not_reset". */
export function hintsCollide(a: CounterResetHint, b: CounterResetHint): boolean {
  return (a === "reset" && b === "not_reset") || (a === "not_reset" && b === "reset");
}

/** Keeps the span list where the indexes are still those it was made from. */
export function spansFor(
  side: Side,
  before: FloatHistogram["positiveSpans"],
): FloatHistogram["positiveSpans"] {
  return side.indexes === bucketIndexes(before) ? before : spansOf(side.indexes);
}

function combineCustom(a: FloatHistogram, b: FloatHistogram, negative: boolean): HistogramOutcome {
  const left = borrowParts(a).positive;
  const right = borrowParts(b).positive;
  const same = sameCustomBounds(a.customValues, b.customValues);
  let side: Side;
  let bounds = a.customValues;
  if (same) side = addSides(left, right, 0, negative);
  else {
    bounds = intersectCustomBounds(a.customValues, b.customValues);
    side = sumCustomSides(left, a.customValues, right, b.customValues, negative, bounds);
  }
  return {
    histogram: {
      schema: a.schema,
      zeroThreshold: 0,
      zeroCount: 0,
      count: negative ? a.count - b.count : a.count + b.count,
      sum: negative ? a.sum - b.sum : a.sum + b.sum,
      positiveSpans: spansFor(side, a.positiveSpans),
      negativeSpans: [],
      positiveBuckets: side.counts,
      negativeBuckets: emptySide.counts,
      customValues: bounds,
      counterResetHint: combineHints(a.counterResetHint, b.counterResetHint),
      integer: false,
    },
    hintsCollide: hintsCollide(a.counterResetHint, b.counterResetHint),
    boundsReconciled: !same,
  };
}

/** Both sides brought to `bounds` and added, with the compensations of the sum; empty buckets are left out. */
export function sumCustomSides(
  a: Side,
  aBounds: Float64Array,
  b: Side,
  bBounds: Float64Array,
  negative: boolean,
  bounds: Float64Array,
): Side {
  const counts = new Float64Array(bounds.length + 1);
  const low = new Float64Array(bounds.length + 1);
  mapCustomBuckets(a, aBounds, false, bounds, counts, low);
  mapCustomBuckets({ ...b, low: null }, bBounds, negative, bounds, counts, low);
  let kept = 0;
  const indexes = new Int32Array(counts.length);
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0 && low[i] === 0) continue;
    indexes[kept] = i;
    counts[kept] = counts[i]!;
    low[kept++] = low[i]!;
  }
  return {
    indexes: indexes.subarray(0, kept),
    counts: counts.subarray(0, kept),
    low: low.subarray(0, kept),
  };
}

/** Where the buckets of a histogram are. */
export type HistogramShape = Pick<
  FloatHistogram,
  "schema" | "zeroThreshold" | "positiveSpans" | "negativeSpans" | "customValues"
>;

/** True if both have the same buckets in the same places, so that columns can be added as they are. */
export function alike(a: HistogramShape, b: HistogramShape): boolean {
  if (a.schema !== b.schema || a.zeroThreshold !== b.zeroThreshold) return false;
  if (a.positiveSpans !== b.positiveSpans && !sameBuckets(a.positiveSpans, b.positiveSpans)) {
    return false;
  }
  if (a.negativeSpans !== b.negativeSpans && !sameBuckets(a.negativeSpans, b.negativeSpans)) {
    return false;
  }
  if (a.schema === customBucketsSchema) return sameCustomBounds(a.customValues, b.customValues);
  return (
    a.zeroThreshold === 0 ||
    (!reachesIntoZero(a, bucketIndexes(a.positiveSpans)) &&
      !reachesIntoZero(a, bucketIndexes(a.negativeSpans)))
  );
}

function sameBuckets(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  return a.length === 0 && b.length === 0 ? true : sameIndexes(bucketIndexes(a), bucketIndexes(b));
}

function reachesIntoZero(h: HistogramShape, indexes: Int32Array): boolean {
  return indexes.length > 0 && exponentialBound(indexes[0]!, h.schema) <= h.zeroThreshold;
}

function addColumns(a: Float64Array, b: Float64Array, negative: boolean): Float64Array {
  const count = a.length;
  const out = newBuckets(count);
  if (negative) for (let i = 0; i < count; i++) out[i] = a[i]! - b[i]!;
  else for (let i = 0; i < count; i++) out[i] = a[i]! + b[i]!;
  return out;
}

function combineAlike(a: FloatHistogram, b: FloatHistogram, negative: boolean): HistogramOutcome {
  return {
    histogram: {
      schema: a.schema,
      zeroThreshold: a.zeroThreshold,
      zeroCount: negative ? a.zeroCount - b.zeroCount : a.zeroCount + b.zeroCount,
      count: negative ? a.count - b.count : a.count + b.count,
      sum: negative ? a.sum - b.sum : a.sum + b.sum,
      positiveSpans: a.positiveSpans,
      negativeSpans: a.negativeSpans,
      positiveBuckets: addColumns(a.positiveBuckets, b.positiveBuckets, negative),
      negativeBuckets: addColumns(a.negativeBuckets, b.negativeBuckets, negative),
      customValues: a.customValues,
      counterResetHint: combineHints(a.counterResetHint, b.counterResetHint),
      integer: false,
    },
    hintsCollide: hintsCollide(a.counterResetHint, b.counterResetHint),
    boundsReconciled: false,
  };
}

function combine(a: FloatHistogram, b: FloatHistogram, negative: boolean): HistogramOutcome | null {
  if (alike(a, b)) return combineAlike(a, b, negative);
  if (usesCustomBuckets(a) !== usesCustomBuckets(b)) return null;
  if (usesCustomBuckets(a)) return combineCustom(a, b, negative);
  return combineExponential(a, b, negative);
}

function combineExponential(
  a: FloatHistogram,
  b: FloatHistogram,
  negative: boolean,
): HistogramOutcome {
  const { parts, other } = reconcileZero(borrowParts(a), borrowParts(b));
  const schema = Math.min(a.schema, b.schema);
  const right = borrowParts(b);
  const positive = addExponential(
    coarsenSide(parts.positive, a.schema - schema),
    coarsenSide(right.positive, b.schema - schema),
    schema,
    parts.threshold,
    negative,
  );
  const minus = addExponential(
    coarsenSide(parts.negative, a.schema - schema),
    coarsenSide(right.negative, b.schema - schema),
    schema,
    parts.threshold,
    negative,
  );
  return {
    histogram: {
      schema,
      zeroThreshold: parts.threshold,
      zeroCount: negative ? parts.count - other.count : parts.count + other.count,
      count: negative ? a.count - b.count : a.count + b.count,
      sum: negative ? a.sum - b.sum : a.sum + b.sum,
      positiveSpans: spansFor(positive, a.positiveSpans),
      negativeSpans: spansFor(minus, a.negativeSpans),
      positiveBuckets: positive.counts,
      negativeBuckets: minus.counts,
      customValues: emptySide.counts,
      counterResetHint: combineHints(a.counterResetHint, b.counterResetHint),
      integer: false,
    },
    hintsCollide: hintsCollide(a.counterResetHint, b.counterResetHint),
    boundsReconciled: false,
  };
}

function addExponential(
  a: Side,
  b: Side,
  schema: number,
  threshold: number,
  negative: boolean,
): Side {
  if (b.indexes.length === 0) return a;
  return addSides(a, b, bucketsWithin(b.indexes, schema, threshold), negative);
}

/** `a + b` as a new histogram, or null where one has exponential and the other custom buckets. Not compacted. */
export function addHistograms(a: FloatHistogram, b: FloatHistogram): HistogramOutcome | null {
  return combine(a, b, false);
}

/**
 * `a − b` as a new histogram, or null where one has exponential and the other custom buckets. Not compacted.
 * The hint follows the rules of addition: PromQL's `-` makes a gauge of the result.
 */
export function subtractHistograms(a: FloatHistogram, b: FloatHistogram): HistogramOutcome | null {
  return combine(a, b, true);
}
