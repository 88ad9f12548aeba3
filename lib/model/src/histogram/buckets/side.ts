// One side (positive or negative) of a native histogram as indexes and counts, and what can be done to it.

import { kahanAddAt, kahanAddColumn } from "../arithmetic/kahan.ts";
import { exponentialBound } from "./bounds.ts";
import { copyBuckets, newBuckets } from "./bucket-columns.ts";
import { coarserIndex, sameIndexes, unionIndexes } from "./layout.ts";

/**
 * Buckets of one side. `indexes` ascend. `low` holds the compensations of a running sum, null where there is none.
 * Indexes may be shared; counts and low belong to the holder unless it was made with `borrowSide`.
 */
export interface Side {
  readonly indexes: Int32Array;
  readonly counts: Float64Array;
  readonly low: Float64Array | null;
}

export const emptySide: Side = {
  indexes: new Int32Array(0),
  counts: new Float64Array(0),
  low: null,
};

/** Merges buckets that fall into one of a schema coarser by `shift`. */
export function coarsenSide(side: Side, shift: number): Side {
  const { indexes, counts, low } = side;
  if (shift === 0 || indexes.length === 0) return side;
  const outIndexes = new Int32Array(indexes.length);
  const outCounts = newBuckets(indexes.length);
  const outLow = low === null ? null : newBuckets(indexes.length);
  let size = 0;
  for (let i = 0; i < indexes.length; i++) {
    const index = coarserIndex(indexes[i]!, shift);
    if (size > 0 && outIndexes[size - 1] === index) {
      if (outLow === null) outCounts[size - 1]! += counts[i]!;
      else {
        kahanAddAt(counts[i]!, outCounts, outLow, size - 1);
        kahanAddAt(low![i]!, outCounts, outLow, size - 1);
      }
      continue;
    }
    outIndexes[size] = index;
    outCounts[size] = counts[i]!;
    if (outLow !== null) outLow[size] = low![i]!;
    size++;
  }
  return {
    indexes: outIndexes.subarray(0, size),
    counts: outCounts.subarray(0, size),
    low: outLow === null ? null : outLow.subarray(0, size),
  };
}

/** How many buckets, from the zero bucket outwards, end at or below `threshold`. */
export function bucketsWithin(indexes: Int32Array, schema: number, threshold: number): number {
  let within = 0;
  while (within < indexes.length && exponentialBound(indexes[within]!, schema) <= threshold) {
    within++;
  }
  return within;
}

/**
 * `a ± b` in new columns; `b` is read from bucket `from` on. With compensations in `a` the sum is compensated.
 * Indexes of `a` are shared where the layout stays.
 */
export function addSides(a: Side, b: Side, from: number, negative: boolean): Side {
  if (a.low !== null) return kahanAddSides(a, b, from);
  if (from === 0 && sameIndexes(a.indexes, b.indexes)) {
    const counts = copyBuckets(a.counts);
    if (negative) for (let i = 0; i < counts.length; i++) counts[i]! -= b.counts[i]!;
    else for (let i = 0; i < counts.length; i++) counts[i]! += b.counts[i]!;
    return { indexes: a.indexes, counts, low: null };
  }
  const others = from === 0 ? b.indexes : b.indexes.subarray(from);
  const indexes = unionIndexes(a.indexes, others);
  const counts = newBuckets(indexes.length);
  for (let to = 0, i = 0, j = 0; to < indexes.length; to++) {
    const index = indexes[to]!;
    let count = 0;
    if (i < a.indexes.length && a.indexes[i] === index) count = a.counts[i++]!;
    if (j < others.length && others[j] === index) {
      const other = b.counts[from + j++]!;
      count = negative ? count - other : count + other;
    }
    counts[to] = count;
  }
  return { indexes, counts, low: null };
}

/** Adds in place where the layout of `a` has room for `b`, else into new columns. */
export function kahanAddSides(a: Side, b: Side, from: number): Side {
  let sum = a;
  if (from !== 0 || !sameIndexes(a.indexes, b.indexes)) {
    const others = from === 0 ? b.indexes : b.indexes.subarray(from);
    const indexes = unionIndexes(a.indexes, others);
    if (indexes.length !== a.indexes.length) sum = spread(a, indexes);
  }
  const { indexes, counts } = sum;
  const low = sum.low!;
  if (b.low === null && indexes.length === b.indexes.length && from === 0) {
    kahanAddColumn(b.counts, counts, low);
    return sum;
  }
  for (let to = 0, j = from; j < b.indexes.length; j++) {
    const index = b.indexes[j]!;
    while (indexes[to]! < index) to++;
    kahanAddAt(b.counts[j]!, counts, low, to);
    if (b.low !== null && b.low[j] !== 0) kahanAddAt(b.low[j]!, counts, low, to);
  }
  return sum;
}

/** The same counts over a larger list of indexes. */
function spread(side: Side, indexes: Int32Array): Side {
  const counts = newBuckets(indexes.length);
  const low = newBuckets(indexes.length);
  for (let i = 0, to = 0; i < side.indexes.length; i++) {
    while (indexes[to]! < side.indexes[i]!) to++;
    counts[to] = side.counts[i]!;
    low[to] = side.low![i]!;
  }
  return { indexes, counts, low };
}

/** Without empty buckets; the same object where there are none. */
export function dropEmpty(side: Side): Side {
  const { indexes, counts, low } = side;
  let kept = 0;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] !== 0 || (low !== null && low[i] !== 0)) kept++;
  }
  if (kept === counts.length) return side;
  const out: Side = {
    indexes: new Int32Array(kept),
    counts: newBuckets(kept),
    low: low === null ? null : newBuckets(kept),
  };
  for (let i = 0, to = 0; i < counts.length; i++) {
    if (counts[i] === 0 && (low === null || low[i] === 0)) continue;
    out.indexes[to] = indexes[i]!;
    out.counts[to] = counts[i]!;
    if (out.low !== null) out.low[to] = low![i]!;
    to++;
  }
  return out;
}

/** Adds (or subtracts) custom buckets into those of other bounds, each into the bucket that holds it. */
export function mapCustomBuckets(
  side: Side,
  bounds: Float64Array,
  negative: boolean,
  targetBounds: Float64Array,
  counts: Float64Array,
  low: Float64Array,
): void {
  let target = 0;
  for (let i = 0; i < side.indexes.length; i++) {
    const index = side.indexes[i]!;
    if (index >= bounds.length) target = targetBounds.length;
    else {
      const bound = bounds[index]!;
      while (target < targetBounds.length && targetBounds[target]! < bound) target++;
    }
    const count = side.counts[i]!;
    kahanAddAt(negative ? -count : count, counts, low, target);
    if (!negative && side.low !== null) kahanAddAt(side.low[i]!, counts, low, target);
  }
}
