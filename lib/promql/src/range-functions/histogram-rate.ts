// rate, increase and delta of native histograms.
import {
  addHistograms,
  type FloatHistogram,
  multiplyHistogram,
  scaledDifference,
} from "@deucalion/model";
import { infos, warnings } from "../annotations/messages.ts";
import type { HistogramWindowFunction } from "./combine.ts";
import { histogramIncrease, histogramResets } from "./histogram-increase.ts";
import { extrapolation, isStartReset, type RateKind, seconds, startsOverlap } from "./rate.ts";
import type { Windows } from "./windows.ts";

/** What holds for the series last looked at as a whole, found out once for all its windows. */
class SeriesMemo {
  #of: readonly FloatHistogram[] | null = null;
  resets: Uint8Array = new Uint8Array(0);
  /** Number of resets up to each histogram. */
  #resetsUpTo = new Int32Array(0);
  /** All counters, of one schema. */
  #uniform = false;

  look(windows: Windows): void {
    const { histograms } = windows;
    if (this.#of === histograms) return;
    this.#of = histograms;
    this.resets = histogramResets(histograms);
    addStartResets(windows, this.resets);
    this.#resetsUpTo = new Int32Array(histograms.length);
    let resets = 0;
    for (let i = 0; i < histograms.length; i++) {
      resets += this.resets[i]!;
      this.#resetsUpTo[i] = resets;
    }
    const schema = histograms[0]?.schema;
    this.#uniform = histograms.every(
      (histogram) => histogram.schema === schema && histogram.counterResetHint !== "gauge",
    );
  }

  /** Nothing but first and last of the window matters. */
  isSteady(lo: number, hi: number): boolean {
    return this.#uniform && this.#resetsUpTo[lo] === this.#resetsUpTo[hi - 1];
  }
}

function addStartResets(windows: Windows, resets: Uint8Array): void {
  const { times, startTimes } = windows.histogramSide!;
  if (startTimes === null) return;
  for (let i = 1; i < resets.length; i++) {
    if (isStartReset(startTimes[i - 1]!, times[i - 1]!, startTimes[i]!, times[i]!)) resets[i] = 1;
  }
}

function warnOfOverlap(windows: Windows, lo: number, hi: number): void {
  const { times, startTimes } = windows.histogramSide!;
  if (startTimes === null) return;
  for (let i = lo + 1; i < hi; i++) {
    if (!startsOverlap(startTimes[i - 1]!, times[i - 1]!, startTimes[i]!)) continue;
    windows.plan.annotations.startTimeOverlap(windows.metricName(), windows.plan.range);
    return;
  }
}

/** Adds the first histogram of a window in whose range the counter began. */
function withFirst(
  windows: Windows,
  result: FloatHistogram | undefined,
  first: FloatHistogram,
): FloatHistogram | undefined {
  if (result === undefined) return first;
  const { annotations, range } = windows.plan;
  const outcome = addHistograms(result, first);
  if (outcome === null) {
    annotations.warn(warnings.mixedExponentialCustom(windows.metricName()), range);
    return undefined;
  }
  if (outcome.boundsReconciled) annotations.info(infos.mismatchedCustomBuckets("addition"), range);
  return outcome.histogram;
}

/** Seconds back to where the count would have been 0, by the slope of the window. */
function timeToZero(first: FloatHistogram, increase: number, betweenMs: number): number {
  if (!(increase > 0 && first.count >= 0)) return Number.POSITIVE_INFINITY;
  return (betweenMs / 1000) * (first.count / increase);
}

/** The function of one window of histograms, extrapolated as for floats. */
export function rateHistograms(kind: RateKind): HistogramWindowFunction {
  const memo = new SeriesMemo();
  return (windows, step, lo, hi) => {
    const { times, startTimes } = windows.histogramSide!;
    const { histograms, plan } = windows;
    const firstTime = times[lo]!;
    const lastTime = times[hi - 1]!;
    const rangeEnd = windows.endAt(step);
    const rangeStart = rangeEnd - plan.rangeMs;
    const first = histograms[lo]!;
    memo.look(windows);
    if (kind.counter && startTimes === null && hi - lo > 1 && memo.isSteady(lo, hi)) {
      const last = histograms[hi - 1]!;
      const toZero = timeToZero(first, last.count - first.count, lastTime - firstTime);
      const factor = extrapolation(firstTime, lastTime, hi - lo - 1, rangeStart, rangeEnd, toZero);
      const scale = kind.perSecond ? factor / seconds(plan.rangeMs) : factor;
      const difference = scaledDifference(last, first, scale);
      if (difference !== null) return difference;
    }
    let result: FloatHistogram | undefined;
    if (hi - lo > 1) {
      const remarks = {
        annotations: plan.annotations,
        range: plan.range,
        metricName: windows.metricName,
      };
      if (kind.counter) warnOfOverlap(windows, lo, hi);
      result = histogramIncrease(histograms, memo.resets, lo, hi, kind.counter, remarks);
      if (result === undefined) return undefined;
    }
    const start = kind.counter && startTimes !== null ? startTimes[lo]! : 0;
    let factor: number;
    if (start !== 0 && start > rangeStart && start < firstTime) {
      result = withFirst(windows, result, first);
      if (result === undefined) return undefined;
      const sampled = (lastTime - start) / 1000;
      const average = hi - lo > 1 ? (lastTime - firstTime) / 1000 / (hi - lo - 1) : 0;
      let toEnd = (rangeEnd - lastTime) / 1000;
      if (toEnd >= average * 1.1) toEnd = average / 2;
      factor = sampled === 0 ? 1 : (sampled + toEnd) / sampled;
    } else {
      if (result === undefined) return undefined;
      const toZero = kind.counter
        ? timeToZero(first, result.count, lastTime - firstTime)
        : Number.POSITIVE_INFINITY;
      factor = extrapolation(firstTime, lastTime, hi - lo - 1, rangeStart, rangeEnd, toZero);
    }
    if (kind.perSecond) factor /= seconds(plan.rangeMs);
    return multiplyHistogram(result, factor);
  };
}
