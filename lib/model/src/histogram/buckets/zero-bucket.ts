// The zero bucket of exponential histograms: widening it, and finding one width for two histograms.

import type { FloatHistogram } from "../../histogram.ts";
import { kahanAddAt } from "../arithmetic/kahan.ts";
import { exponentialBound } from "./bounds.ts";
import { bucketIndexes } from "./layout.ts";
import { dropEmpty, type Side } from "./side.ts";

/** What a wider zero bucket would hold. `low` is the compensation of `count`. */
export interface WiderZero {
  readonly threshold: number;
  readonly count: number;
  readonly low: number;
}

/** The parts of an exponential histogram that widening looks at. */
export interface ZeroParts {
  readonly schema: number;
  readonly threshold: number;
  readonly count: number;
  readonly low: number;
  readonly positive: Side;
  readonly negative: Side;
}

function lowerBound(index: number, schema: number): number {
  return exponentialBound(index - 1, schema);
}

/**
 * Adds to `into` what lies within `threshold`. A populated bucket that the threshold would cut is taken whole, and
 * its upper bound is returned as the threshold to use; else `threshold`.
 */
function collect(side: Side, schema: number, threshold: number, into: Float64Array): number {
  const sums = into.subarray(0, 1);
  const lows = into.subarray(1, 2);
  for (let i = 0; i < side.indexes.length; i++) {
    const index = side.indexes[i]!;
    if (lowerBound(index, schema) >= threshold) break;
    const count = side.counts[i]!;
    kahanAddAt(count, sums, lows, 0);
    if (side.low !== null) kahanAddAt(side.low[i]!, sums, lows, 0);
    const upper = exponentialBound(index, schema);
    if (upper > threshold) return count !== 0 ? upper : threshold;
  }
  return threshold;
}

/** The zero bucket widened to `threshold`, or further where that would cut a populated bucket. */
export function widenZero(parts: ZeroParts, threshold: number): WiderZero {
  if (threshold === parts.threshold) return { threshold, count: parts.count, low: parts.low };
  const into = Float64Array.of(parts.count, parts.low);
  for (let wanted = threshold; ; ) {
    // Prometheus starts over with the count alone; the low bits stay, and so they do here.
    into[0] = parts.count;
    wanted = collect(parts.positive, parts.schema, wanted, into);
    const reached = collect(parts.negative, parts.schema, wanted, into);
    if (reached === wanted) return { threshold: wanted, count: into[0]!, low: into[1]! };
    wanted = reached;
  }
}

/** Drops the buckets that a zero bucket up to `threshold` has swallowed, and empty ones. */
export function trimWithinZero(side: Side, schema: number, threshold: number): Side {
  let from = 0;
  while (from < side.indexes.length && lowerBound(side.indexes[from]!, schema) < threshold) from++;
  return dropEmpty({
    indexes: side.indexes.subarray(from),
    counts: side.counts.subarray(from),
    low: side.low === null ? null : side.low.subarray(from),
  });
}

/** A histogram's columns without copying: do not write to them. */
export function borrowParts(h: FloatHistogram): ZeroParts {
  return {
    schema: h.schema,
    threshold: h.zeroThreshold,
    count: h.zeroCount,
    low: 0,
    positive: { indexes: bucketIndexes(h.positiveSpans), counts: h.positiveBuckets, low: null },
    negative: { indexes: bucketIndexes(h.negativeSpans), counts: h.negativeBuckets, low: null },
  };
}

/**
 * Finds a zero bucket that neither histogram has a populated bucket across. Returns the first with that zero bucket
 * (its swallowed buckets gone), and what the second's zero bucket would then hold.
 */
export function reconcileZero(
  first: ZeroParts,
  second: ZeroParts,
): { readonly parts: ZeroParts; readonly other: WiderZero } {
  let parts = first;
  let other: WiderZero = { threshold: second.threshold, count: second.count, low: second.low };
  while (other.threshold !== parts.threshold) {
    if (parts.threshold > other.threshold) other = widenZero(second, parts.threshold);
    if (other.threshold > parts.threshold) {
      const zero = widenZero(parts, other.threshold);
      parts = {
        ...zero,
        schema: parts.schema,
        positive: trimWithinZero(parts.positive, parts.schema, zero.threshold),
        negative: trimWithinZero(parts.negative, parts.schema, zero.threshold),
      };
    }
  }
  return { parts, other };
}
