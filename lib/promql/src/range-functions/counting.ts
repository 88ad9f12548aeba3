// changes and resets: how often neighbours in a window differ, or a counter began anew. Floats and histograms mix.
import { detectReset, equalHistograms } from "@deucalion/model";
import type { Row } from "../row.ts";
import { isStartReset } from "./rate.ts";
import type { RangeFunction, Windows } from "./windows.ts";

/** First indices to look at in a window; null where an anchored window has nothing after its start. */
function firstIndices(windows: Windows, step: number): [number, number] | null {
  const { floats, histogramSide, plan } = windows;
  const floatLow = floats.lo[step]!;
  const histogramLow = histogramSide === null ? 0 : histogramSide.lo[step]!;
  if (!plan.anchored) return [floatLow, histogramLow];
  const rangeStart = windows.endAt(step) - plan.rangeMs;
  const floatHigh = floats.hi[step]!;
  const histogramHigh = histogramSide === null ? 0 : histogramSide.hi[step]!;
  let float = floatLow;
  while (float < floatHigh && floats.times[float]! <= rangeStart) float++;
  let histogram = histogramLow;
  while (histogram < histogramHigh && histogramSide!.times[histogram]! <= rangeStart) histogram++;
  if (float >= floatHigh && histogram >= histogramHigh) return null;
  const noFloat = float === floatLow;
  const noHistogram = histogram === histogramLow;
  if (noFloat && noHistogram) return [float, histogram];
  const floatIsLast =
    noHistogram || (!noFloat && floats.times[float - 1]! >= histogramSide!.times[histogram - 1]!);
  return floatIsLast ? [float - 1, histogram] : [float, histogram - 1];
}

type Differ = (windows: Windows, before: Place, now: Place) => boolean;

/** One sample of a window: which side, and where. */
interface Place {
  histogram: boolean;
  index: number;
}

function count(windows: Windows, step: number, differ: Differ): number | undefined {
  const first = firstIndices(windows, step);
  if (first === null) return undefined;
  const { floats, histogramSide } = windows;
  let [float, histogram] = first;
  const floatHigh = floats.hi[step]!;
  const histogramHigh = histogramSide === null ? 0 : histogramSide.hi[step]!;
  let before: Place | null = null;
  let found = 0;
  while (float < floatHigh || histogram < histogramHigh) {
    const takeFloat =
      histogram >= histogramHigh ||
      (float < floatHigh && floats.times[float]! < histogramSide!.times[histogram]!);
    const now: Place = takeFloat
      ? { histogram: false, index: float++ }
      : { histogram: true, index: histogram++ };
    if (before !== null && differ(windows, before, now)) found++;
    before = now;
  }
  return found;
}

function changed(windows: Windows, before: Place, now: Place): boolean {
  if (before.histogram !== now.histogram) return true;
  if (now.histogram) {
    return !equalHistograms(windows.histograms[now.index]!, windows.histograms[before.index]!);
  }
  const a = windows.values[before.index]!;
  const b = windows.values[now.index]!;
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b));
}

function wasReset(windows: Windows, before: Place, now: Place): boolean {
  if (before.histogram !== now.histogram) return true;
  const side = now.histogram ? windows.histogramSide! : windows.floats;
  const starts = side.startTimes;
  if (
    starts !== null &&
    isStartReset(
      starts[before.index]!,
      side.times[before.index]!,
      starts[now.index]!,
      side.times[now.index]!,
    )
  ) {
    return true;
  }
  if (now.histogram) {
    return detectReset(windows.histograms[now.index]!, windows.histograms[before.index]!);
  }
  return windows.values[now.index]! < windows.values[before.index]!;
}

/** Floats only, unanchored: differences before each sample are summed once for the whole series. */
function countFloats(windows: Windows, resets: boolean, out: Row): void {
  const { floats, values, plan } = windows;
  const { lo, hi } = floats;
  const sums = new Int32Array(floats.count + 1);
  for (let i = 1; i < floats.count; i++) {
    const a = values[i - 1]!;
    const b = values[i]!;
    const differs = resets ? b < a : a !== b && !(Number.isNaN(a) && Number.isNaN(b));
    sums[i + 1] = sums[i]! + (differs ? 1 : 0);
  }
  for (let i = 0; i < plan.count; i++) {
    if (lo[i] === hi[i]) continue;
    out.values[i] = sums[hi[i]!]! - sums[lo[i]! + 1]!;
    out.present[i] = 1;
  }
}

function counting(differ: Differ, resets: boolean): RangeFunction {
  return {
    run: (windows, out) => {
      const { floats, histogramSide, plan } = windows;
      if (histogramSide === null && !plan.anchored && floats.startTimes === null) {
        countFloats(windows, resets, out);
        return;
      }
      for (let i = 0; i < plan.count; i++) {
        const histograms = histogramSide === null ? 0 : histogramSide.hi[i]! - histogramSide.lo[i]!;
        if (floats.hi[i]! - floats.lo[i]! + histograms === 0) continue;
        const found = count(windows, i, differ);
        if (found !== undefined) out.setFloat(i, found);
        if ((i & 255) === 255) plan.check();
      }
    },
  };
}

/** `changes`. */
export const changes: RangeFunction = counting(changed, false);
/** `resets`. */
export const resets: RangeFunction = counting(wasReset, true);
