// rate, increase and delta of native histograms over `anchored` and `smoothed` selectors.
import {
  addHistograms,
  compactHistogram,
  detectReset,
  divideHistogram,
  type FloatHistogram,
  multiplyHistogram,
  subtractHistograms,
  usesCustomBuckets,
  withHint,
} from "@deucalion/model";
import type { Annotations } from "../annotations/annotations.ts";
import { infos, warnings } from "../annotations/messages.ts";
import type { Range } from "../parse/ast.ts";
import { type RateKind, seconds } from "./rate.ts";
import type { Windows } from "./windows.ts";

/** Where to report, and for which metric. */
export interface Report {
  readonly annotations: Annotations;
  readonly range: Range;
  readonly metricName: () => string;
}

/** Adds or subtracts; undefined, with a warning, for exponential against custom buckets. */
export function combineHistograms(
  report: Report,
  a: FloatHistogram,
  b: FloatHistogram,
  operation: "addition" | "subtraction",
): FloatHistogram | undefined {
  const outcome = operation === "addition" ? addHistograms(a, b) : subtractHistograms(a, b);
  if (outcome === null) {
    report.annotations.warn(warnings.mixedExponentialCustom(report.metricName()), report.range);
    return undefined;
  }
  if (outcome.boundsReconciled) {
    report.annotations.info(infos.mismatchedCustomBuckets(operation), report.range);
  }
  return outcome.histogram;
}

/** The histogram at `time` between two; a counter that was reset starts at nothing. */
export function interpolateHistograms(
  report: Report,
  a: FloatHistogram,
  timeA: number,
  b: FloatHistogram,
  timeB: number,
  time: number,
  counter: boolean,
): FloatHistogram | undefined {
  if (time === timeA) return a;
  if (time === timeB) return b;
  const fraction = (time - timeA) / (timeB - timeA);
  if (counter && detectReset(b, a)) return multiplyHistogram(b, fraction);
  const difference = combineHistograms(report, b, a, "subtraction");
  if (difference === undefined) return undefined;
  return combineHistograms(report, multiplyHistogram(difference, fraction), a, "addition");
}

/** True if all are of one bucket kind; warns about that and about gauges where counters are expected. */
function validate(
  windows: Windows,
  report: Report,
  first: number,
  last: number,
  counter: boolean,
): boolean {
  const { histograms } = windows;
  const custom = usesCustomBuckets(histograms[first]!);
  for (let i = first; i <= last; i++) {
    const histogram = histograms[i]!;
    if (usesCustomBuckets(histogram) !== custom) {
      report.annotations.warn(warnings.mixedExponentialCustom(report.metricName()), report.range);
      return false;
    }
    if (counter && histogram.counterResetHint === "gauge") {
      report.annotations.warn(warnings.notCounter(report.metricName()), report.range);
    }
  }
  return true;
}

interface Borders {
  readonly first: number;
  readonly last: number;
  readonly left: FloatHistogram;
  readonly right: FloatHistogram;
  readonly rangeStart: number;
}

/** What resets between the borders took away: null for nothing, undefined if it cannot be added up. */
function correction(
  windows: Windows,
  report: Report,
  borders: Borders,
): FloatHistogram | null | undefined {
  const { histograms, plan } = windows;
  const { times } = windows.histogramSide!;
  let from = borders.first + 1;
  let before = borders.left;
  const second = histograms[borders.first + 1];
  if (
    plan.smoothed &&
    times[borders.first]! < borders.rangeStart &&
    second !== undefined &&
    detectReset(second, histograms[borders.first]!)
  ) {
    before = second;
    from++;
  }
  const to = borders.last - 1;
  if (from > to + 1) return null;
  let sum: FloatHistogram | null = null;
  for (let i = from; i <= to + 1; i++) {
    const current = i <= to ? histograms[i]! : borders.right;
    if (detectReset(current, before)) {
      if (sum === null) sum = before;
      else {
        const next = combineHistograms(report, sum, before, "addition");
        if (next === undefined) return undefined;
        sum = next;
      }
    }
    before = current;
  }
  return sum;
}

function borderHistograms(
  windows: Windows,
  report: Report,
  bounds: { first: number; last: number; lo: number },
  rangeStart: number,
  rangeEnd: number,
  counter: boolean,
): Borders | undefined {
  const { histograms, plan } = windows;
  const { times } = windows.histogramSide!;
  const { first, last, lo } = bounds;
  let left: FloatHistogram | undefined = histograms[first]!;
  let right: FloatHistogram | undefined = histograms[last]!;
  if (plan.smoothed && times[first]! < rangeStart) {
    left = interpolateHistograms(
      report,
      left,
      times[first]!,
      histograms[first + 1]!,
      times[first + 1]!,
      rangeStart,
      counter,
    );
  }
  if (left === undefined) return undefined;
  if (plan.smoothed && last > lo && times[last]! > rangeEnd) {
    right = interpolateHistograms(
      report,
      histograms[last - 1]!,
      times[last - 1]!,
      right,
      times[last]!,
      rangeEnd,
      counter,
    );
  }
  return right === undefined ? undefined : { first, last, left, right, rangeStart };
}

/** The function of one window that holds histograms only. */
export function extendedHistogramRate(
  windows: Windows,
  kind: RateKind,
  step: number,
): FloatHistogram | undefined {
  const { plan } = windows;
  const side = windows.histogramSide!;
  const { times } = side;
  const lo = side.lo[step]!;
  const end = side.hi[step]! - 1;
  const rangeEnd = windows.endAt(step);
  const rangeStart = rangeEnd - plan.rangeMs;
  const report = { ...plan, metricName: windows.metricName };
  let first = lo;
  while (first < end && times[first]! <= rangeStart) first++;
  first = Math.max(lo, first - 1);
  let last = end;
  if (plan.smoothed) {
    last = lo;
    while (last < end && times[last]! < rangeEnd) last++;
  }
  if (times[last]! <= rangeStart || (plan.smoothed && times[first]! > rangeEnd)) return undefined;
  if (!validate(windows, report, first, last, kind.counter)) return undefined;
  const bounds = { first, last, lo };
  const borders = borderHistograms(windows, report, bounds, rangeStart, rangeEnd, kind.counter);
  if (borders === undefined) return undefined;
  const hints = [borders.left.counterResetHint, borders.right.counterResetHint];
  if (!kind.counter && hints.some((hint) => hint !== "gauge")) {
    plan.annotations.warn(warnings.notGauge(windows.metricName()), plan.range);
  }
  let result = combineHistograms(report, borders.right, borders.left, "subtraction");
  if (result !== undefined && kind.counter) {
    const lost = correction(windows, report, borders);
    if (lost === undefined) return undefined;
    if (lost !== null) result = combineHistograms(report, result, lost, "addition");
  }
  if (result === undefined) return undefined;
  if (kind.perSecond) result = divideHistogram(result, seconds(plan.rangeMs));
  return compactHistogram(withHint(result, "gauge"));
}
