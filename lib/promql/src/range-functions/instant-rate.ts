// irate and idelta: the difference of the last two samples of a window.
import {
  compactHistogram,
  detectReset,
  divideHistogram,
  type FloatHistogram,
  subtractHistograms,
  withHint,
} from "@deucalion/model";
import { infos, warnings } from "../annotations/messages.ts";
import type { Row } from "../row.ts";
import { isStartReset } from "./rate.ts";
import type { RangeFunction, Windows } from "./windows.ts";

interface Sample {
  time: number;
  start: number;
  value: number;
  histogram: FloatHistogram | undefined;
}

function sampleOf(windows: Windows, index: number, histogram: boolean): Sample {
  const side = histogram ? windows.histogramSide! : windows.floats;
  return {
    time: side.times[index]!,
    start: side.startTimes === null ? 0 : side.startTimes[index]!,
    value: histogram ? 0 : windows.values[index]!,
    histogram: histogram ? windows.histograms[index] : undefined,
  };
}

/** The last two samples of either kind, older first; null where there are fewer. */
function lastTwo(windows: Windows, step: number): [Sample, Sample] | null {
  const { floats, histogramSide } = windows;
  let f = floats.hi[step]! - 1;
  const fLow = floats.lo[step]!;
  let h = histogramSide === null ? -1 : histogramSide.hi[step]! - 1;
  const hLow = histogramSide === null ? 0 : histogramSide.lo[step]!;
  const picked: Sample[] = [];
  while (picked.length < 2 && (f >= fLow || h >= hLow)) {
    const float = h < hLow || (f >= fLow && floats.times[f]! > histogramSide!.times[h]!);
    picked.push(float ? sampleOf(windows, f--, false) : sampleOf(windows, h--, true));
  }
  return picked.length < 2 ? null : [picked[1]!, picked[0]!];
}

function histogramDelta(
  windows: Windows,
  before: FloatHistogram,
  last: FloatHistogram,
  rate: boolean,
  reset: boolean,
): FloatHistogram | undefined {
  const { annotations, range } = windows.plan;
  const lastGauge = last.counterResetHint === "gauge";
  const beforeGauge = before.counterResetHint === "gauge";
  if (rate && (lastGauge || beforeGauge)) {
    annotations.warn(warnings.notCounter(windows.metricName()), range);
  }
  if (!rate && !(lastGauge && beforeGauge))
    annotations.warn(warnings.notGauge(windows.metricName()), range);
  let result = last;
  if (!rate || !(reset || detectReset(last, before))) {
    const outcome = subtractHistograms(last, before);
    if (outcome === null) {
      annotations.warn(warnings.mixedExponentialCustom(windows.metricName()), range);
      return undefined;
    }
    if (outcome.boundsReconciled) {
      annotations.info(infos.mismatchedCustomBuckets("subtraction"), range);
    }
    result = outcome.histogram;
  }
  return compactHistogram(withHint(result, "gauge"));
}

/** `irate` (`rate`) or `idelta`. */
export function instantRate(rate: boolean): RangeFunction {
  return {
    run: (windows, out) => {
      const { plan } = windows;
      for (let i = 0; i < plan.count; i++) {
        if (windows.histogramSide === null && windows.floats.startTimes === null) {
          floatStep(windows, i, rate, out);
        } else anyStep(windows, i, rate, out);
      }
    },
  };
}

function floatStep(windows: Windows, step: number, rate: boolean, out: Row): void {
  const { floats, values } = windows;
  const last = floats.hi[step]! - 1;
  if (last <= floats.lo[step]!) return;
  const sampled = floats.times[last]! - floats.times[last - 1]!;
  if (sampled === 0) return;
  const value = values[last]!;
  const before = values[last - 1]!;
  const result = rate && value < before ? value : value - before;
  out.values[step] = rate ? result / (sampled / 1000) : result;
  out.present[step] = 1;
}

function anyStep(windows: Windows, step: number, rate: boolean, out: Row): void {
  const pair = lastTwo(windows, step);
  if (pair === null) return;
  const [before, last] = pair;
  const sampled = last.time - before.time;
  if (sampled === 0) return;
  const reset = isStartReset(before.start, before.time, last.start, last.time);
  if (before.histogram === undefined && last.histogram === undefined) {
    const fell = last.value < before.value || reset;
    const result = rate && fell ? last.value : last.value - before.value;
    out.setFloat(step, rate ? result / (sampled / 1000) : result);
  } else if (before.histogram !== undefined && last.histogram !== undefined) {
    const delta = histogramDelta(windows, before.histogram, last.histogram, rate, reset);
    if (delta === undefined) return;
    out.setHistogram(step, rate ? divideHistogram(delta, sampled / 1000) : delta);
  } else {
    const text = warnings.mixedFloatsHistograms(windows.metricName());
    windows.plan.annotations.warn(text, windows.plan.range);
  }
}
