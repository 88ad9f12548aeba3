// quantile_over_time and mad_over_time over floats: a sorted window that moves along.
import { warnings } from "../annotations/messages.ts";
import type { Row } from "../row.ts";
import type { FloatKernel, Windows } from "./windows.ts";

let sorted = new Float64Array(256);
let spare = new Float64Array(256);

/** First place in `values[0, count)` whose value is not less than `value`. */
function lowerBound(values: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

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

function roomFor(windows: Windows, from: number, to: number): void {
  const { lo, hi } = windows.floats;
  let widest = 0;
  for (let i = from; i < to; i++) widest = Math.max(widest, hi[i]! - lo[i]!);
  if (widest > sorted.length) {
    sorted = new Float64Array(widest * 2);
    spare = new Float64Array(widest * 2);
  }
}

/** Takes [oldLo, oldHi) as sorted and makes it [lo, hi); returns the number of NaNs. */
function moveWindow(
  values: Float64Array,
  window: { count: number; nans: number },
  old: { lo: number; hi: number },
  lo: number,
  hi: number,
): void {
  let { count, nans } = window;
  for (let i = old.lo; i < lo; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      nans--;
      continue;
    }
    const at = lowerBound(sorted, count, value);
    sorted.copyWithin(at, at + 1, count);
    count--;
  }
  for (let i = old.hi; i < hi; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      nans++;
      continue;
    }
    const at = lowerBound(sorted, count, value);
    sorted.copyWithin(at + 1, at, count);
    sorted[at] = value;
    count++;
  }
  window.count = count;
  window.nans = nans;
}

/** `quantile_over_time`; the quantile is the first scalar argument. */
export const quantileKernel: FloatKernel = (windows, from, to, out) => {
  const { floats, values, plan } = windows;
  const { lo, hi } = floats;
  const quantiles = plan.args[0]!;
  roomFor(windows, from, to);
  const window = { count: 0, nans: 0 };
  const old = { lo: 0, hi: 0 };
  for (let i = from; i < to; i++) {
    const low = lo[i]!;
    const high = hi[i]!;
    if (low === high) continue;
    const q = quantiles[i]!;
    if (!(q >= 0 && q <= 1)) plan.annotations.warn(warnings.invalidQuantile(q), plan.range);
    const moved = low - old.lo + (high - old.hi);
    if (low >= old.hi || moved * 4 > high - low) {
      window.nans = sortWindow(values, low, high);
      window.count = high - low - window.nans;
    } else moveWindow(values, window, old, low, high);
    old.lo = low;
    old.hi = high;
    out.values[i] = quantileOfSorted(q, sorted, window.count, window.nans);
    out.present[i] = 1;
  }
};

/** `mad_over_time`: the median of distances to the median; NaN if any value is. */
export const madKernel: FloatKernel = (windows, from, to, out: Row) => {
  const { floats, values } = windows;
  const { lo, hi } = floats;
  roomFor(windows, from, to);
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
