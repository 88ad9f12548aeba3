// rate, increase and delta of native histograms.
import {
  addHistograms,
  detectReset,
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
  #of = 0;
  resets: Uint8Array = new Uint8Array(0);
  /** Number of resets up to each histogram. */
  #resetsUpTo = new Int32Array(0);
  /** All counters, of one schema. */
  #uniform = false;

  look(windows: Windows): void {
    if (this.#of === windows.serial) return;
    this.#of = windows.serial;
    if (!this.#lookAtRows(windows)) this.#lookAtAll(windows.histograms);
    addStartResets(windows, this.resets);
    const { resets } = this;
    if (this.#resetsUpTo.length < resets.length) this.#resetsUpTo = new Int32Array(resets.length);
    let found = 0;
    for (let i = 0; i < resets.length; i++) {
      found += resets[i]!;
      this.#resetsUpTo[i] = found;
    }
  }

  #lookAtAll(histograms: readonly FloatHistogram[]): void {
    this.resets = histogramResets(histograms);
    const schema = histograms[0]?.schema;
    this.#uniform = histograms.every(
      (histogram) => histogram.schema === schema && histogram.counterResetHint !== "gauge",
    );
  }

  /** Within a chunk of a counter there is no reset, so only the first histogram of each is looked at. */
  #lookAtRows({ rows, values, histogramSide }: Windows): boolean {
    if (rows === null || rows.blocks.some((block) => block.layout.gauge)) return false;
    const schema = rows.blocks[0]!.layout.schema;
    this.#uniform = rows.blocks.every((block) => block.layout.schema === schema);
    this.resets = new Uint8Array(histogramSide!.count);
    for (const { first } of rows.blocks) {
      if (first > 0 && detectReset(rows.at(first, values), rows.at(first - 1, values))) {
        this.resets[first] = 1;
      }
    }
    return true;
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
function timeToZero(count: number, increase: number, betweenMs: number): number {
  if (!(increase > 0 && count >= 0)) return Number.POSITIVE_INFINITY;
  return (betweenMs / 1000) * (count / increase);
}

/** The rate of a window in which nothing but the first and last histogram matters; null where their layouts differ. */
function steadyRate(
  kind: RateKind,
  windows: Windows,
  lo: number,
  hi: number,
  rangeStart: number,
  rangeEnd: number,
): FloatHistogram | null {
  const { rows, values, plan } = windows;
  const { times } = windows.histogramSide!;
  const firstTime = times[lo]!;
  const lastTime = times[hi - 1]!;
  const before = rows === null ? windows.histograms[lo]!.count : rows.count(lo);
  const after = rows === null ? windows.histograms[hi - 1]!.count : rows.count(hi - 1);
  const toZero = timeToZero(before, after - before, lastTime - firstTime);
  const factor = extrapolation(firstTime, lastTime, hi - lo - 1, rangeStart, rangeEnd, toZero);
  const scale = kind.perSecond ? factor / seconds(plan.rangeMs) : factor;
  if (rows !== null) return rows.scaledDifference(hi - 1, lo, scale, values);
  return scaledDifference(windows.histograms[hi - 1]!, windows.histograms[lo]!, scale);
}

/** The function of one window of histograms, extrapolated as for floats. */
export function rateHistograms(kind: RateKind): HistogramWindowFunction {
  const memo = new SeriesMemo();
  return (windows, step, lo, hi) => {
    const { times, startTimes } = windows.histogramSide!;
    const { plan } = windows;
    const rangeEnd = windows.endAt(step);
    const rangeStart = rangeEnd - plan.rangeMs;
    memo.look(windows);
    if (kind.counter && startTimes === null && hi - lo > 1 && memo.isSteady(lo, hi)) {
      const difference = steadyRate(kind, windows, lo, hi, rangeStart, rangeEnd);
      if (difference !== null) return difference;
    }
    if (hi - lo === 1 && startTimes === null) return undefined;
    const { histograms } = windows;
    const firstTime = times[lo]!;
    const lastTime = times[hi - 1]!;
    const first = histograms[lo]!;
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
        ? timeToZero(first.count, result.count, lastTime - firstTime)
        : Number.POSITIVE_INFINITY;
      factor = extrapolation(firstTime, lastTime, hi - lo - 1, rangeStart, rangeEnd, toZero);
    }
    if (kind.perSecond) factor /= seconds(plan.rangeMs);
    return multiplyHistogram(result, factor);
  };
}
