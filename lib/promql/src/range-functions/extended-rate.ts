// rate, increase and delta over `anchored` and `smoothed` selectors: borders are samples or interpolated, not extrapolated.
import { warnings } from "../annotations/messages.ts";
import type { Row } from "../row.ts";
import { extendedHistogramRate } from "./extended-histogram-rate.ts";
import { type RateKind, seconds } from "./rate.ts";
import type { RangeFunction, Windows } from "./windows.ts";

/** Value at `time` on the line between two samples; a counter that fell starts at 0. */
export function interpolate(
  time1: number,
  value1: number,
  time2: number,
  value2: number,
  time: number,
  counter: boolean,
): number {
  const from = counter && value2 < value1 ? 0 : value1;
  return from + ((value2 - from) * (time - time1)) / (time2 - time1);
}

/** First and last sample of an extended window that matter; null where all lie before the range. */
export function extendedBounds(
  times: Float64Array,
  lo: number,
  hi: number,
  rangeStart: number,
  rangeEnd: number,
  smoothed: boolean,
): { first: number; last: number } | null {
  const end = hi - 1;
  let first = lo;
  while (first < end && times[first]! <= rangeStart) first++;
  first = Math.max(lo, first - 1);
  let last = end;
  if (smoothed) {
    last = lo;
    while (last < end && times[last]! < rangeEnd) last++;
  }
  if (times[last]! <= rangeStart) return null;
  return { first, last };
}

/** Values at the borders of the range. */
export function borderValues(
  windows: Windows,
  bounds: { first: number; last: number },
  lo: number,
  rangeStart: number,
  rangeEnd: number,
  counter: boolean,
): { left: number; right: number } {
  const { values, plan } = windows;
  const { times } = windows.floats;
  const { first, last } = bounds;
  let left = values[first]!;
  let right = values[last]!;
  if (plan.smoothed && times[first]! < rangeStart) {
    left = interpolate(
      times[first]!,
      left,
      times[first + 1]!,
      values[first + 1]!,
      rangeStart,
      counter,
    );
  }
  if (plan.smoothed && last > lo && times[last]! > rangeEnd) {
    right = interpolate(
      times[last - 1]!,
      values[last - 1]!,
      times[last]!,
      right,
      rangeEnd,
      counter,
    );
  }
  return { left, right };
}

function floatStep(windows: Windows, kind: RateKind, step: number): number | undefined {
  const { floats, values, plan } = windows;
  const { times } = floats;
  const lo = floats.lo[step]!;
  const rangeEnd = windows.endAt(step);
  const rangeStart = rangeEnd - plan.rangeMs;
  const bounds = extendedBounds(times, lo, floats.hi[step]!, rangeStart, rangeEnd, plan.smoothed);
  if (bounds === null || (plan.smoothed && times[bounds.first]! > rangeEnd)) return undefined;
  const { left, right } = borderValues(windows, bounds, lo, rangeStart, rangeEnd, kind.counter);
  let result = right - left;
  if (kind.counter) {
    let { first, last } = bounds;
    if (times[first]! <= rangeStart) first++;
    if (times[last]! >= rangeEnd) last--;
    let correction = 0;
    let before = left;
    for (let i = first; i <= last; i++) {
      const value = values[i]!;
      if (value < before) correction += before;
      before = value;
    }
    if (right < before) correction += before;
    result += correction;
  }
  return kind.perSecond ? result / seconds(plan.rangeMs) : result;
}

function runExtended(windows: Windows, kind: RateKind, out: Row): void {
  const { floats, histogramSide, plan } = windows;
  for (let i = 0; i < plan.count; i++) {
    const hasFloats = floats.hi[i]! > floats.lo[i]!;
    const hasHistograms = histogramSide !== null && histogramSide.hi[i]! > histogramSide.lo[i]!;
    if (hasFloats && hasHistograms) {
      plan.annotations.warn(warnings.mixedFloatsHistograms(windows.metricName()), plan.range);
    } else if (hasFloats) {
      const result = floatStep(windows, kind, i);
      if (result !== undefined) out.setFloat(i, result);
    } else if (hasHistograms) {
      const result = extendedHistogramRate(windows, kind, i);
      if (result !== undefined) out.setHistogram(i, result);
    }
  }
}

/** The plain function, or the extended one where the selector asks for it. */
export function extendable(kind: RateKind, plain: RangeFunction): RangeFunction {
  return {
    run: (windows, out) => {
      const { plan } = windows;
      if (plan.anchored || plan.smoothed) runExtended(windows, kind, out);
      else plain.run(windows, out);
    },
  };
}
