// deriv, predict_linear and double_exponential_smoothing over floats.

import { infos } from "../annotations/messages.ts";
import { PromqlError } from "../errors.ts";
import type { Row } from "../row.ts";
import type { FloatKernel, RangeFunction, Windows } from "./windows.ts";

const largest = Number.MAX_VALUE;
const line = { slope: 0, intercept: 0 };

/** A compensated running sum. */
class Sum {
  total = 0;
  rest = 0;

  reset(): void {
    this.total = 0;
    this.rest = 0;
  }

  add(value: number): void {
    const sum = this.total;
    const total = sum + value;
    if (total > largest || total < -largest) this.rest = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.rest += sum - total + value;
    else this.rest += value - total + sum;
    this.total = total;
  }

  get value(): number {
    return this.total + this.rest;
  }
}

const sumX = new Sum();
const sumY = new Sum();
const sumXY = new Sum();
const sumX2 = new Sum();

/** Least squares over samples lo ≤ i < hi; the intercept is that at `interceptMs`. Sets `line`. */
function fitLine(
  times: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  interceptMs: number,
): void {
  sumX.reset();
  sumY.reset();
  sumXY.reset();
  sumX2.reset();
  const first = values[lo]!;
  let constant = true;
  for (let i = lo; i < hi; i++) {
    const y = values[i]!;
    if (constant && i > lo && y !== first) constant = false;
    const x = (times[i]! - interceptMs) / 1e3;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumX2.add(x * x);
  }
  if (constant) {
    const infinite = first === Number.POSITIVE_INFINITY || first === Number.NEGATIVE_INFINITY;
    line.slope = infinite ? Number.NaN : 0;
    line.intercept = infinite ? Number.NaN : first;
    return;
  }
  const n = hi - lo;
  const x = sumX.value;
  const y = sumY.value;
  const covariance = sumXY.value - (x * y) / n;
  const spread = sumX2.value - (x * x) / n;
  line.slope = covariance / spread;
  line.intercept = y / n - (line.slope * x) / n;
}

/** `deriv`: the slope per second. */
export const derivKernel: FloatKernel = (windows, from, to, out) => {
  const { floats, values } = windows;
  const { times, lo, hi } = floats;
  for (let i = from; i < to; i++) {
    if (hi[i]! - lo[i]! < 2) continue;
    fitLine(times, values, lo[i]!, hi[i]!, times[lo[i]!]!);
    out.values[i] = line.slope;
    out.present[i] = 1;
  }
};

/** `predict_linear`: the line's value so many seconds after the step. */
export const predictKernel: FloatKernel = (windows, from, to, out) => {
  const { floats, values, plan } = windows;
  const { times, lo, hi } = floats;
  const ahead = plan.args[0]!;
  for (let i = from; i < to; i++) {
    if (hi[i]! - lo[i]! < 2) continue;
    fitLine(times, values, lo[i]!, hi[i]!, plan.evalMs + i * plan.evalStepMs);
    out.values[i] = line.slope * ahead[i]! + line.intercept;
    out.present[i] = 1;
  }
};

function checkFactor(name: string, short: string, factor: number): void {
  if (!(factor <= 0 || factor >= 1)) return;
  const shown =
    factor === Number.POSITIVE_INFINITY
      ? "+Inf"
      : factor === Number.NEGATIVE_INFINITY
        ? "-Inf"
        : factor.toFixed(6);
  throw new PromqlError(
    "PROMQL_EXECUTION",
    `invalid ${name} factor. Expected: 0 < ${short} < 1, got: ${shown}`,
  );
}

function smooth(
  values: Float64Array,
  lo: number,
  hi: number,
  smoothing: number,
  trend: number,
): number {
  let previous = 0;
  let current = values[lo]!;
  let slope = values[lo + 1]! - values[lo]!;
  for (let i = lo + 1; i < hi; i++) {
    const scaled = smoothing * values[i]!;
    if (i > lo + 1) slope = trend * (current - previous) + (1 - trend) * slope;
    const expected = (1 - smoothing) * (current + slope);
    previous = current;
    current = scaled + expected;
  }
  return current;
}

/** `double_exponential_smoothing`; the factors are checked at every step that has a sample of any kind. */
export const doubleSmoothing: RangeFunction = {
  run: (windows: Windows, out: Row) => {
    const { floats, histogramSide, values, plan } = windows;
    const { lo, hi } = floats;
    const factors = plan.args[0]!;
    const trends = plan.args[1]!;
    for (let i = 0; i < plan.count; i++) {
      const count = hi[i]! - lo[i]!;
      const histograms = histogramSide === null ? 0 : histogramSide.hi[i]! - histogramSide.lo[i]!;
      if (count + histograms === 0) continue;
      checkFactor("smoothing", "sf", factors[i]!);
      checkFactor("trend", "tf", trends[i]!);
      if (count > 0 && histograms > 0) {
        const text = infos.histogramIgnoredInMixedRange(windows.metricName());
        plan.annotations.info(text, plan.range);
      }
      if (count < 2) continue;
      if ((i & 255) === 255) plan.check();
      out.values[i] = smooth(values, lo[i]!, hi[i]!, factors[i]!, trends[i]!);
      out.present[i] = 1;
    }
  },
};
