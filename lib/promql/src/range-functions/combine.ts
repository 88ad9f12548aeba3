// Builds range functions out of a kernel over floats and a rule for histograms.
import type { FloatHistogram } from "@deucalion/model";
import { infos, warnings } from "../annotations/messages.ts";
import type { Row } from "../row.ts";
import type { FloatKernel, RangeFunction, Windows } from "./windows.ts";

/** Works on a window of histograms `lo ≤ index < hi`; undefined for no result. */
export type HistogramWindowFunction = (
  windows: Windows,
  step: number,
  lo: number,
  hi: number,
) => FloatHistogram | number | undefined;

/** Samples looked at between two checks whether the query has to stop. */
const blockSamples = 2 ** 19;

/** Runs a kernel over all steps, in blocks small enough for a query to be stopped in time. */
function inBlocks(kernel: FloatKernel, windows: Windows, out: Row): void {
  const { plan, floats } = windows;
  const { lo, hi } = floats;
  let from = 0;
  let samples = 0;
  for (let i = 0; i < plan.count; i++) {
    samples += hi[i]! - lo[i]!;
    if (samples < blockSamples) continue;
    kernel(windows, from, i + 1, out);
    from = i + 1;
    samples = 0;
    plan.check();
  }
  kernel(windows, from, plan.count, out);
}

/** Floats only: histograms in the same window are ignored with an info, windows of histograms give nothing. */
export function floatsOnly(kernel: FloatKernel): RangeFunction {
  return {
    run: (windows, out) => {
      const side = windows.histogramSide;
      const { plan } = windows;
      if (side === null) {
        inBlocks(kernel, windows, out);
        return;
      }
      for (let i = 0; i < plan.count; i++) {
        if (windows.floats.hi[i] === windows.floats.lo[i]) continue;
        if (side.hi[i]! > side.lo[i]!) {
          const text = infos.histogramIgnoredInMixedRange(windows.metricName());
          plan.annotations.info(text, plan.range);
        }
        kernel(windows, i, i + 1, out);
      }
    },
  };
}

/** Either kind, but a window with both gives nothing and a warning. */
export function floatsOrHistograms(
  kernel: FloatKernel,
  histograms: HistogramWindowFunction,
): RangeFunction {
  return {
    run: (windows, out) => {
      const side = windows.histogramSide;
      const { plan, floats } = windows;
      if (side === null) {
        inBlocks(kernel, windows, out);
        return;
      }
      for (let i = 0; i < plan.count; i++) {
        const lo = side.lo[i]!;
        const hi = side.hi[i]!;
        const hasFloats = floats.hi[i]! > floats.lo[i]!;
        if (hi === lo) {
          if (hasFloats) kernel(windows, i, i + 1, out);
        } else if (hasFloats) {
          const text = warnings.mixedFloatsHistograms(windows.metricName());
          plan.annotations.warn(text, plan.range);
        } else put(out, i, histograms(windows, i, lo, hi));
        if ((i & 255) === 255) plan.check();
      }
    },
  };
}

/** Any mix: the function is asked at every step that has a sample of either kind. */
export function anySamples(
  perStep: (windows: Windows, step: number) => FloatHistogram | number | undefined,
  keepsName = false,
): RangeFunction {
  return {
    keepsName,
    run: (windows, out) => {
      const { floats, histogramSide, plan } = windows;
      for (let i = 0; i < plan.count; i++) {
        const empty =
          floats.hi[i] === floats.lo[i] &&
          (histogramSide === null || histogramSide.hi[i] === histogramSide.lo[i]);
        if (!empty) put(out, i, perStep(windows, i));
        if ((i & 1023) === 1023) plan.check();
      }
    },
  };
}

function put(out: Row, step: number, result: FloatHistogram | number | undefined): void {
  if (result === undefined) return;
  if (typeof result === "number") out.setFloat(step, result);
  else out.setHistogram(step, result);
}
