// sum_over_time, avg_over_time, stddev and stdvar over floats, with Prometheus' compensated sums.
import type { Row } from "../row.ts";
import type { FloatKernel, Windows } from "./windows.ts";

const largest = Number.MAX_VALUE;

/** Windows of at least so many samples, moving by less than their width, are summed by prefix sums. */
const prefixWindowMin = 24;

/** Running sums over all samples of a series as pairs (high, low), so that differences keep full precision. */
class PrefixSums {
  high = new Float64Array(0);
  low = new Float64Array(0);
  /** Largest magnitude that a value or a running sum reached; Infinity if the sums cannot be used. */
  reach = 0;

  fill(values: Float64Array, count: number): void {
    if (this.high.length <= count) {
      this.high = new Float64Array(count * 2 + 1);
      this.low = new Float64Array(count * 2 + 1);
    }
    const { high, low } = this;
    let sum = 0;
    let rest = 0;
    let reach = 0;
    let finite = true;
    high[0] = 0;
    low[0] = 0;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const total = sum + value;
      const shadow = total - sum;
      const error = sum - (total - shadow) + (value - shadow) + rest;
      sum = total + error;
      rest = error - (sum - total);
      high[i + 1] = sum;
      low[i + 1] = rest;
      const size = sum < 0 ? -sum : sum;
      if (size > reach) reach = size;
      const valueSize = value < 0 ? -value : value;
      if (valueSize > reach) reach = valueSize;
      if (sum - sum !== 0) finite = false;
    }
    this.reach = finite ? reach : Number.POSITIVE_INFINITY;
  }
}

const prefix = new PrefixSums();

/** Sum of a window by Prometheus' own loop; what tells Inf and cancellation right. */
function sumDirect(values: Float64Array, lo: number, hi: number): number {
  let sum = 0;
  let rest = 0;
  for (let i = lo; i < hi; i++) {
    const value = values[i]!;
    const total = sum + value;
    if (total > largest || total < -largest) rest = 0;
    else if (Math.abs(sum) >= Math.abs(value)) rest += sum - total + value;
    else rest += value - total + sum;
    sum = total;
  }
  if (sum === Number.POSITIVE_INFINITY || sum === Number.NEGATIVE_INFINITY) return sum;
  return sum + rest;
}

function meanDirect(values: Float64Array, lo: number, hi: number): number {
  let sum = values[lo]!;
  let rest = 0;
  let mean = 0;
  let incremental = false;
  let count = 1;
  for (let i = lo + 1; i < hi; i++) {
    const value = values[i]!;
    count++;
    if (!incremental) {
      const total = sum + value;
      if (total !== Number.POSITIVE_INFINITY && total !== Number.NEGATIVE_INFINITY) {
        if (Math.abs(sum) >= Math.abs(value)) rest += sum - total + value;
        else rest += value - total + sum;
        sum = total;
        continue;
      }
      incremental = true;
      mean = sum / (count - 1);
      rest /= count - 1;
    }
    const share = (count - 1) / count;
    const kept = share * mean;
    const added = value / count;
    const total = kept + added;
    rest *= share;
    if (total > largest || total < -largest) rest = 0;
    else if (Math.abs(kept) >= Math.abs(added)) rest += kept - total + added;
    else rest += added - total + kept;
    mean = total;
  }
  // One rounding of the sum and one of the quotient, as prefix sums have them: which of the two ways a window takes
  // depends on the range of the query, the answer must not.
  return incremental ? mean + rest : (sum + rest) / count;
}

/** True where neighbouring windows share enough samples for prefix sums to pay. */
function overlapping(windows: Windows, from: number, to: number): boolean {
  if (to - from < 4) return false;
  const { lo, hi } = windows.floats;
  const middle = (from + to) >> 1;
  const width = hi[middle]! - lo[middle]!;
  return width >= prefixWindowMin && windows.plan.endStepMs < windows.plan.rangeMs / 3;
}

function prefixSums(windows: Windows, mean: boolean, from: number, to: number, out: Row): void {
  const { values, floats } = windows;
  const { lo, hi } = floats;
  prefix.fill(values, floats.count);
  const { high, low, reach } = prefix;
  // Sums this small against what passed through the prefix may have lost digits; infinities poison it.
  const trusted = reach < 1e290 ? reach * 2 ** -40 : Number.POSITIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const a = lo[i]!;
    const b = hi[i]!;
    if (a === b) continue;
    const upper = high[b]!;
    const lower = high[a]!;
    const difference = upper - lower;
    const shadow = difference - upper;
    const error = upper - (difference - shadow) - (lower + shadow) + (low[b]! - low[a]!);
    const sum = difference + error;
    out.present[i] = 1;
    if (reach === 0) out.values[i] = 0;
    else if (sum > trusted || sum < -trusted) out.values[i] = mean ? sum / (b - a) : sum;
    else out.values[i] = mean ? meanDirect(values, a, b) : sumDirect(values, a, b);
  }
}

/** `sum_over_time` of floats. */
export const sumKernel: FloatKernel = (windows, from, to, out) => {
  if (overlapping(windows, from, to)) {
    prefixSums(windows, false, from, to, out);
    return;
  }
  const { lo, hi } = windows.floats;
  for (let i = from; i < to; i++) {
    if (lo[i] === hi[i]) continue;
    out.values[i] = sumDirect(windows.values, lo[i]!, hi[i]!);
    out.present[i] = 1;
  }
};

/** `avg_over_time` of floats. */
export const meanKernel: FloatKernel = (windows, from, to, out) => {
  if (overlapping(windows, from, to)) {
    prefixSums(windows, true, from, to, out);
    return;
  }
  const { lo, hi } = windows.floats;
  for (let i = from; i < to; i++) {
    if (lo[i] === hi[i]) continue;
    out.values[i] = meanDirect(windows.values, lo[i]!, hi[i]!);
    out.present[i] = 1;
  }
};

function variance(values: Float64Array, lo: number, hi: number): number {
  let count = 0;
  let mean = 0;
  let meanRest = 0;
  let squares = 0;
  let squaresRest = 0;
  for (let i = lo; i < hi; i++) {
    const value = values[i]!;
    count++;
    const delta = value - (mean + meanRest);
    const step = delta / count;
    let total = mean + step;
    if (total > largest || total < -largest) meanRest = 0;
    else if (Math.abs(mean) >= Math.abs(step)) meanRest += mean - total + step;
    else meanRest += step - total + mean;
    mean = total;
    const square = delta * (value - (mean + meanRest));
    total = squares + square;
    if (total > largest || total < -largest) squaresRest = 0;
    else if (Math.abs(squares) >= Math.abs(square)) squaresRest += squares - total + square;
    else squaresRest += square - total + squares;
    squares = total;
  }
  return (squares + squaresRest) / count;
}

/** `stdvar_over_time`, or its root. */
export function varianceKernel(root: boolean): FloatKernel {
  return (windows, from, to, out) => {
    const { lo, hi } = windows.floats;
    for (let i = from; i < to; i++) {
      if (lo[i] === hi[i]) continue;
      const result = variance(windows.values, lo[i]!, hi[i]!);
      out.values[i] = root ? Math.sqrt(result) : result;
      out.present[i] = 1;
    }
  };
}
