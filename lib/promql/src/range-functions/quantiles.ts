// quantile_over_time and mad_over_time over floats: a sorted window that moves along.
import { warnings } from "../annotations/messages.ts";
import type { Row } from "../row.ts";
import type { FloatKernel, Windows } from "./windows.ts";

let sorted = new Float64Array(256);
let spare = new Float64Array(256);

/**
 * Quantile of `count` sorted numbers that `nans` NaNs stand in front of; the weighted mean of two neighbours.
 * Outside of [0, 1] it is an infinity, without values or for a NaN quantile NaN.
 */
export function quantileOfSorted(q: number, values: Float64Array, count: number, nans = 0): number {
  const total = count + nans;
  if (total === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const rank = q * (total - 1);
  const below = Math.max(0, Math.floor(rank));
  const above = Math.min(total - 1, below + 1);
  const weight = rank - Math.floor(rank);
  const lower = below < nans ? Number.NaN : values[below - nans]!;
  const upper = above < nans ? Number.NaN : values[above - nans]!;
  return lower * (1 - weight) + upper * weight;
}

/** Sorts a window into `sorted` and returns how many of its values are NaN. */
function sortWindow(values: Float64Array, lo: number, hi: number): number {
  let count = 0;
  for (let i = lo; i < hi; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    sorted[count++] = value;
  }
  if (count > 40) sorted.subarray(0, count).sort();
  else insertionSort(sorted, count);
  return hi - lo - count;
}

function insertionSort(values: Float64Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    let at = i;
    while (at > 0 && values[at - 1]! > value) {
      values[at] = values[at - 1]!;
      at--;
    }
    values[at] = value;
  }
}

function roomFor({ floats }: Windows): void {
  const { widest } = floats;
  if (widest > sorted.length) {
    sorted = new Float64Array(widest * 2);
    spare = new Float64Array(widest * 2);
  }
}

const removed = new Float64Array(64);
const added = new Float64Array(64);

/** Sorts numbers lo ≤ i < hi into `into`; returns how many there are. The rest is NaN. */
function sortPart(values: Float64Array, lo: number, hi: number, into: Float64Array): number {
  let count = 0;
  for (let i = lo; i < hi; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    let at = count++;
    while (at > 0 && into[at - 1]! > value) {
      into[at] = into[at - 1]!;
      at--;
    }
    into[at] = value;
  }
  return count;
}

/** Moves the sorted window in one pass: what left is skipped, what came is merged in. Returns the number of numbers. */
function moveWindow(
  values: Float64Array,
  count: number,
  old: { lo: number; hi: number },
  lo: number,
  hi: number,
): number {
  const gone = sortPart(values, old.lo, lo, removed);
  const come = sortPart(values, old.hi, hi, added);
  const from = sorted;
  const to = spare;
  const leaving = removed;
  const coming = added;
  let out = 0;
  let j = 0;
  let k = 0;
  for (let i = 0; i < count; i++) {
    const value = from[i]!;
    if (j < gone && leaving[j] === value) {
      j++;
      continue;
    }
    while (k < come && coming[k]! < value) to[out++] = coming[k++]!;
    to[out++] = value;
  }
  while (k < come) to[out++] = coming[k++]!;
  sorted = to;
  spare = from;
  return out;
}

/** Windows so small and ranks so near to an end are answered by a look at the samples that keeps the outermost ones. */
const looksMax = 64;
const keptMax = 4;
const kept = new Float64Array(keptMax);
/** What `outerQuantile` found. */
let outer = 0;

/** Puts the `keep` largest numbers into `kept`, ascending; false if there is a NaN. From the last on: counters rise. */
function keepLargest(values: Float64Array, lo: number, hi: number, keep: number): boolean {
  for (let i = 0; i < keep; i++) kept[i] = Number.NEGATIVE_INFINITY;
  let least = Number.NEGATIVE_INFINITY;
  for (let i = hi - 1; i >= lo; i--) {
    const value = values[i]!;
    if (value <= least) continue;
    if (Number.isNaN(value)) return false;
    let at = 0;
    for (; at + 1 < keep && kept[at + 1]! < value; at++) kept[at] = kept[at + 1]!;
    kept[at] = value;
    least = kept[0]!;
  }
  return true;
}

/** Puts the `keep` smallest numbers into `kept`, descending; false if there is a NaN. */
function keepSmallest(values: Float64Array, lo: number, hi: number, keep: number): boolean {
  for (let i = 0; i < keep; i++) kept[i] = Number.POSITIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  for (let i = lo; i < hi; i++) {
    const value = values[i]!;
    if (value >= most) continue;
    if (Number.isNaN(value)) return false;
    let at = 0;
    for (; at + 1 < keep && kept[at + 1]! > value; at++) kept[at] = kept[at + 1]!;
    kept[at] = value;
    most = kept[0]!;
  }
  return true;
}

/** True if `outer` holds the quantile of the window, which is far from its ends else, or has NaNs. */
function outerQuantile(q: number, values: Float64Array, lo: number, hi: number): boolean {
  const total = hi - lo;
  if (total > looksMax || !(q >= 0 && q <= 1)) return false;
  const rank = q * (total - 1);
  const below = Math.floor(rank);
  const weight = rank - below;
  let lower: number;
  let upper: number;
  if (total - below <= keptMax) {
    const keep = total - below;
    if (!keepLargest(values, lo, hi, keep)) return false;
    lower = kept[0]!;
    upper = keep > 1 ? kept[1]! : lower;
  } else if (below + 2 <= keptMax) {
    if (!keepSmallest(values, lo, hi, below + 2)) return false;
    lower = kept[1]!;
    upper = kept[0]!;
  } else return false;
  outer = lower * (1 - weight) + upper * weight;
  return true;
}

/** `quantile_over_time`; the quantile is the first scalar argument. */
export const quantileKernel: FloatKernel = (windows, from, to, out) => {
  const { floats, values, plan } = windows;
  const { lo, hi } = floats;
  const quantiles = plan.args[0]!;
  roomFor(windows);
  let count = 0;
  const old = { lo: 0, hi: 0 };
  for (let i = from; i < to; i++) {
    const low = lo[i]!;
    const high = hi[i]!;
    if (low === high) continue;
    const q = quantiles[i]!;
    if (!(q >= 0 && q <= 1)) plan.annotations.warn(warnings.invalidQuantile(q), plan.range);
    out.present[i] = 1;
    if (outerQuantile(q, values, low, high)) {
      out.values[i] = outer;
      old.hi = 0;
      continue;
    }
    const moved = Math.max(low - old.lo, high - old.hi);
    if (low >= old.hi || moved > 32 || moved * 2 > high - low) {
      count = high - low - sortWindow(values, low, high);
    } else count = moveWindow(values, count, old, low, high);
    old.lo = low;
    old.hi = high;
    out.values[i] = quantileOfSorted(q, sorted, count, high - low - count);
  }
};

/** `mad_over_time`: the median of distances to the median; NaN if any value is. */
export const madKernel: FloatKernel = (windows, from, to, out: Row) => {
  const { floats, values } = windows;
  const { lo, hi } = floats;
  roomFor(windows);
  for (let i = from; i < to; i++) {
    const low = lo[i]!;
    const high = hi[i]!;
    if (low === high) continue;
    out.present[i] = 1;
    if (sortWindow(values, low, high) > 0) {
      out.values[i] = Number.NaN;
      continue;
    }
    const count = high - low;
    const median = quantileOfSorted(0.5, sorted, count);
    for (let j = 0; j < count; j++) spare[j] = Math.abs(sorted[j]! - median);
    const distances = spare.subarray(0, count).sort();
    let nans = 0;
    while (nans < count && Number.isNaN(distances[count - 1 - nans]!)) nans++;
    out.values[i] = quantileOfSorted(0.5, distances, count - nans, nans);
  }
};
