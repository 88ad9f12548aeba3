// Quantiles and fractions of classic histograms: cumulative buckets with upper bounds.
import { FractionRanks } from "./fraction-ranks.ts";

/** Differences between neighbours below this are taken for noise of floating point. */
const tolerance = 1e-12;
const normalMin = 2 ** -1022;

/** What had to be repaired in one histogram. */
export interface Repair {
  forced: boolean;
  minBucket: number;
  maxBucket: number;
  maxDiff: number;
}

/** Equal but for noise; two NaN are equal. */
function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < normalMin) return difference < tolerance * normalMin;
  return difference / Math.min(sum, Number.MAX_VALUE) < tolerance;
}

/** Adds up buckets of equal bounds, in place; bounds ascend. Returns how many are left. */
function coalesce(bounds: Float64Array, counts: Float64Array, size: number): number {
  let last = 0;
  for (let i = 1; i < size; i++) {
    if (bounds[i] === bounds[last]) {
      counts[last]! += counts[i]!;
      continue;
    }
    last++;
    bounds[last] = bounds[i]!;
    counts[last] = counts[i]!;
  }
  return last + 1;
}

/** Makes cumulative counts rise, in place, and notes in `repair` where noise does not explain a fall. */
function ensureMonotonic(
  bounds: Float64Array,
  counts: Float64Array,
  size: number,
  repair: Repair,
): void {
  let previous = counts[0]!;
  for (let i = 1; i < size; i++) {
    const current = counts[i]!;
    if (current === previous) continue;
    if (almostEqual(previous, current)) {
      counts[i] = previous;
      continue;
    }
    if (!(current < previous)) {
      previous = current;
      continue;
    }
    counts[i] = previous;
    repair.forced = true;
    if (bounds[i]! < repair.minBucket) repair.minBucket = bounds[i]!;
    if (bounds[i]! > repair.maxBucket) repair.maxBucket = bounds[i]!;
    if (previous - current > repair.maxDiff) repair.maxDiff = previous - current;
  }
}

/**
 * The `q`-quantile of `size` cumulative buckets with ascending bounds, interpolated linearly. NaN where the last bound
 * is not +Inf. Writes to both columns; `repair` is set where counts had to be forced to rise, else left alone.
 */
export function bucketQuantile(
  q: number,
  bounds: Float64Array,
  counts: Float64Array,
  bucketCount: number,
  repair: Repair,
): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  if (bounds[bucketCount - 1] !== Infinity) return Number.NaN;
  const size = coalesce(bounds, counts, bucketCount);
  ensureMonotonic(bounds, counts, size, repair);
  if (size < 2) return Number.NaN;
  const observations = counts[size - 1]!;
  if (observations === 0) return Number.NaN;
  let rank = q * observations;
  let low = 0;
  let high = size - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (counts[middle]! >= rank) high = middle;
    else low = middle + 1;
  }
  if (low === size - 1) return bounds[size - 2]!;
  if (low === 0 && bounds[0]! <= 0) return bounds[0]!;
  let start = 0;
  let count = counts[low]!;
  if (low > 0) {
    start = bounds[low - 1]!;
    count -= counts[low - 1]!;
    rank -= counts[low - 1]!;
  }
  return start + (bounds[low]! - start) * (rank / count);
}

/** The share of observations between two values, out of `size` cumulative buckets with ascending bounds. */
export function bucketFraction(
  from: number,
  to: number,
  bounds: Float64Array,
  counts: Float64Array,
  bucketCount: number,
): number {
  if (bounds[bucketCount - 1] !== Infinity) return Number.NaN;
  const size = coalesce(bounds, counts, bucketCount);
  const count = counts[size - 1]!;
  if (count === 0 || Number.isNaN(from) || Number.isNaN(to)) return Number.NaN;
  if (from >= to) return 0;
  let rank = 0;
  const ranks = new FractionRanks(from, to);
  let lower = bounds[0]! <= 0 ? -Infinity : 0;
  for (let i = 0; i < size; i++) {
    if (i > 0) lower = bounds[i - 1]!;
    const upper = bounds[i]!;
    const rankOf = (value: number): number =>
      lower === -Infinity
        ? counts[i]!
        : rank + ((counts[i]! - rank) * (value - lower)) / (upper - lower);
    if (ranks.see(lower, upper, rank, rankOf)) break;
    rank = counts[i]!;
  }
  return ranks.between(count) / count;
}
