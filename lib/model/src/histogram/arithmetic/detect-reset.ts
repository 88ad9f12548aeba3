// Finding out whether a native histogram that counts was reset between two samples.
import type { FloatHistogram } from "../../histogram.ts";
import { exponentialBound, sameCustomBounds } from "../buckets/bounds.ts";
import { bucketIndexes, coarserIndex } from "../buckets/layout.ts";
import { borrowParts, widenZero } from "../buckets/zero-bucket.ts";
import { usesCustomBuckets } from "./add.ts";

/**
 * True if some count of `current` is lower than in `previous`, or a populated bucket is gone. A hint of "reset" or
 * "not_reset" answers at once. A finer schema or a smaller zero bucket only come with a reset.
 */
export function detectReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.counterResetHint === "reset") return true;
  if (current.counterResetHint === "not_reset") return false;
  if (current.count < previous.count) return true;
  const custom = usesCustomBuckets(current);
  if (custom) {
    if (!usesCustomBuckets(previous)) return true;
    if (!sameCustomBounds(current.customValues, previous.customValues)) {
      return customReset(current, previous);
    }
  }
  if (current.schema > previous.schema) return true;
  if (current.zeroThreshold < previous.zeroThreshold) return true;
  if (!custom) {
    // Custom buckets have no zero bucket; a previous one with them is not comparable but by its counts.
    if (usesCustomBuckets(previous)) return true;
    const zero = widenZero(borrowParts(previous), current.zeroThreshold);
    if (zero.threshold !== current.zeroThreshold || current.zeroCount < zero.count) return true;
  }
  return (
    sideReset(
      current,
      previous,
      bucketIndexes(current.positiveSpans),
      current.positiveBuckets,
      bucketIndexes(previous.positiveSpans),
      previous.positiveBuckets,
    ) ||
    sideReset(
      current,
      previous,
      bucketIndexes(current.negativeSpans),
      current.negativeBuckets,
      bucketIndexes(previous.negativeSpans),
      previous.negativeBuckets,
    )
  );
}

/** Compares bucket by bucket, the previous ones merged to the schema of the current, those in the zero bucket left out. */
function sideReset(
  current: FloatHistogram,
  previous: FloatHistogram,
  indexes: Int32Array,
  counts: Float64Array,
  previousIndexes: Int32Array,
  previousCounts: Float64Array,
): boolean {
  const shift = previous.schema - current.schema;
  const threshold = usesCustomBuckets(current) ? 0 : current.zeroThreshold;
  let at = 0;
  for (let i = 0; i < previousIndexes.length; ) {
    let index = previousIndexes[i]!;
    if (shift !== 0) index = coarserIndex(index, shift);
    let count = previousCounts[i++]!;
    if (shift !== 0) {
      while (i < previousIndexes.length && coarserIndex(previousIndexes[i]!, shift) === index) {
        count += previousCounts[i++]!;
      }
    }
    if (threshold > 0 && exponentialBound(index, current.schema) <= threshold) continue;
    while (at < indexes.length && indexes[at]! < index) at++;
    if (at === indexes.length || indexes[at] !== index) {
      if (count !== 0) return true;
    } else if (counts[at]! < count) return true;
  }
  return false;
}

/** Compares custom buckets of different bounds over the bounds that both have. */
function customReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  const a = current.customValues;
  const b = previous.customValues;
  const left = new Roll(current);
  const right = new Roll(previous);
  for (let i = 0, j = 0; i <= a.length && j <= b.length; ) {
    const x = i < a.length ? a[i]! : Infinity;
    const y = j < b.length ? b[j]! : Infinity;
    if (x === y) {
      if (left.upTo(x) < right.upTo(x)) return true;
      i++;
      j++;
    } else if (x < y) i++;
    else j++;
  }
  return false;
}

/** Sums custom buckets from bound to bound. */
class Roll {
  readonly #indexes: Int32Array;
  readonly #counts: Float64Array;
  readonly #bounds: Float64Array;
  #at = 0;

  constructor(h: FloatHistogram) {
    this.#indexes = bucketIndexes(h.positiveSpans);
    this.#counts = h.positiveBuckets;
    this.#bounds = h.customValues;
  }

  /** What lies between the bound asked for last and this one. */
  upTo(bound: number): number {
    let sum = 0;
    while (this.#at < this.#indexes.length) {
      const index = this.#indexes[this.#at]!;
      const upper = index < this.#bounds.length ? this.#bounds[index]! : Infinity;
      if (!(upper <= bound)) break;
      sum += this.#counts[this.#at++]!;
    }
    return sum;
  }
}
