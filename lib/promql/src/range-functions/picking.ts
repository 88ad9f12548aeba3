// Range functions that pick or count samples of any kind: count, present, first, last, and their times.
import type { FloatHistogram } from "@deucalion/model";
import { anySamples } from "./combine.ts";
import type { FloatKernel, RangeFunction, Windows } from "./windows.ts";

function floatCount(windows: Windows, step: number): number {
  return windows.floats.hi[step]! - windows.floats.lo[step]!;
}

function histogramCount(windows: Windows, step: number): number {
  const side = windows.histogramSide;
  return side === null ? 0 : side.hi[step]! - side.lo[step]!;
}

/** Runs a kernel where a series holds floats only, and a function for each step where it does not. */
function withFastFloats(kernel: FloatKernel, slow: RangeFunction): RangeFunction {
  return {
    keepsName: slow.keepsName === true,
    run: (windows, out) => {
      if (windows.histogramSide === null) kernel(windows, 0, windows.plan.count, out);
      else slow.run(windows, out);
    },
  };
}

/** `count_over_time`. */
export const countOverTime: RangeFunction = anySamples(
  (windows, step) => floatCount(windows, step) + histogramCount(windows, step),
);

/** `present_over_time`, and what `absent_over_time` turns around. */
export const presentOverTime: RangeFunction = anySamples(() => 1);

const firstFloats: FloatKernel = (windows, from, to, out) => {
  const { lo, hi } = windows.floats;
  for (let i = from; i < to; i++) {
    if (lo[i] === hi[i]) continue;
    out.values[i] = windows.values[lo[i]!]!;
    out.present[i] = 1;
  }
};

const lastFloats: FloatKernel = (windows, from, to, out) => {
  const { lo, hi } = windows.floats;
  for (let i = from; i < to; i++) {
    if (lo[i] === hi[i]) continue;
    out.values[i] = windows.values[hi[i]! - 1]!;
    out.present[i] = 1;
  }
};

function firstSample(windows: Windows, step: number): FloatHistogram | number {
  const { floats, histogramSide } = windows;
  const float = floats.lo[step]!;
  if (histogramCount(windows, step) === 0) return windows.values[float]!;
  const histogram = histogramSide!.lo[step]!;
  const floatFirst =
    floatCount(windows, step) > 0 && floats.times[float]! < histogramSide!.times[histogram]!;
  return floatFirst ? windows.values[float]! : windows.histograms[histogram]!;
}

function lastSample(windows: Windows, step: number): FloatHistogram | number {
  const { floats, histogramSide } = windows;
  const float = floats.hi[step]! - 1;
  if (histogramCount(windows, step) === 0) return windows.values[float]!;
  const histogram = histogramSide!.hi[step]! - 1;
  const floatLast =
    floatCount(windows, step) > 0 && histogramSide!.times[histogram]! < floats.times[float]!;
  return floatLast ? windows.values[float]! : windows.histograms[histogram]!;
}

/** `first_over_time`. */
export const firstOverTime: RangeFunction = withFastFloats(
  firstFloats,
  anySamples(firstSample, true),
);
/** `last_over_time`. */
export const lastOverTime: RangeFunction = withFastFloats(lastFloats, anySamples(lastSample, true));

/** `ts_of_first_over_time`. */
export const timeOfFirst: RangeFunction = anySamples((windows, step) => {
  const { floats, histogramSide } = windows;
  let time = Number.POSITIVE_INFINITY;
  if (floatCount(windows, step) > 0) time = floats.times[floats.lo[step]!]!;
  if (histogramCount(windows, step) > 0) {
    time = Math.min(time, histogramSide!.times[histogramSide!.lo[step]!]!);
  }
  return time / 1000;
});

/** `ts_of_last_over_time`. */
export const timeOfLast: RangeFunction = anySamples((windows, step) => {
  const { floats, histogramSide } = windows;
  let time = 0;
  if (floatCount(windows, step) > 0) time = Math.max(0, floats.times[floats.hi[step]! - 1]!);
  if (histogramCount(windows, step) > 0) {
    time = Math.max(time, histogramSide!.times[histogramSide!.hi[step]! - 1]!);
  }
  return time / 1000;
});
