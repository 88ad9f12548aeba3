// rate, increase and delta of native histograms.
import { addHistograms, type FloatHistogram, multiplyHistogram } from "@deucalion/model";
import { infos, warnings } from "../annotations/messages.ts";
import type { HistogramWindowFunction } from "./combine.ts";
import { histogramIncrease, histogramResets } from "./histogram-increase.ts";
import { extrapolation, isStartReset, type RateKind, seconds, startsOverlap } from "./rate.ts";
import type { Windows } from "./windows.ts";

/** Resets of the series last looked at. */
class ResetMemo {
  #of: readonly FloatHistogram[] | null = null;
  #resets: Uint8Array = new Uint8Array(0);

  resets(windows: Windows): Uint8Array {
    if (this.#of !== windows.histograms) {
      this.#of = windows.histograms;
      this.#resets = histogramResets(windows.histograms);
      addStartResets(windows, this.#resets);
    }
    return this.#resets;
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

/** The function of one window of histograms, extrapolated as for floats. */
export function rateHistograms(kind: RateKind): HistogramWindowFunction {
  const memo = new ResetMemo();
  return (windows, step, lo, hi) => {
    const { times, startTimes } = windows.histogramSide!;
    const { histograms, plan } = windows;
    const firstTime = times[lo]!;
    const lastTime = times[hi - 1]!;
    const rangeEnd = windows.endAt(step);
    const rangeStart = rangeEnd - plan.rangeMs;
    const first = histograms[lo]!;
    let result: FloatHistogram | undefined;
    if (hi - lo > 1) {
      const resets = memo.resets(windows);
      const remarks = { ...plan, metricName: windows.metricName };
      if (kind.counter) warnOfOverlap(windows, lo, hi);
      result = histogramIncrease(histograms, resets, lo, hi, kind.counter, remarks);
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
      const sampled = (lastTime - firstTime) / 1000;
      const toZero =
        kind.counter && result.count > 0 && first.count >= 0
          ? sampled * (first.count / result.count)
          : Number.POSITIVE_INFINITY;
      factor = extrapolation(firstTime, lastTime, hi - lo - 1, rangeStart, rangeEnd, toZero);
    }
    if (kind.perSecond) factor /= seconds(plan.rangeMs);
    return multiplyHistogram(result, factor);
  };
}
