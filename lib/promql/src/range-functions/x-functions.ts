// Thanos' xrate, xincrease and xdelta: differences that start at the last sample before the range, not extrapolated.
import { PromqlError } from "../errors.ts";
import type { Row } from "../row.ts";
import type { RateKind } from "./rate.ts";
import type { RangeFunction, Windows } from "./windows.ts";

/** How far before the range the sample may lie that a window starts from, in ms. */
export const xLookbackMs = 3_600_000;

/** Samples from ≤ index < to of one window; `appearedMs` is the time of the first sample that was read. */
function extendedDelta(
  windows: Windows,
  kind: RateKind,
  from: number,
  to: number,
  rangeEnd: number,
  appearedMs: number,
): number {
  const { values } = windows;
  const { times } = windows.floats;
  const { rangeMs } = windows.plan;
  const rangeStart = rangeEnd - rangeMs;
  const increase = kind.counter && !kind.perSecond;
  let same = true;
  for (let i = from + 1; i < to && same; i++) same = values[i] === values[i - 1];
  // A counter that has just appeared rose from nothing.
  if (increase && same && rangeEnd <= rangeMs + appearedMs) return values[from]!;
  const last = to - 1;
  let sampled = times[last]! - times[from]!;
  let average = sampled / (last - from);
  let first = from;
  if (!increase && rangeStart - times[from]! > average) {
    if (to - from < 3) return 0;
    first = from + 1;
    sampled = times[last]! - times[first]!;
    average = sampled / (last - first);
  }
  let correction = 0;
  if (kind.counter) {
    let before = 0;
    for (let i = first; i < to; i++) {
      if (values[i]! < before) correction += before;
      before = values[i]!;
    }
  }
  let result = values[last]! - values[first]! + correction;
  const rangeSeconds = Math.trunc(rangeMs / 1000);
  if (!increase && times[first]! <= rangeStart && rangeEnd - times[last]! < average) {
    result *= rangeSeconds / (sampled / 1000);
  }
  return kind.perSecond ? result / rangeSeconds : result;
}

/** `xrate`, `xincrease` or `xdelta`. */
export function xFunction(kind: RateKind): RangeFunction {
  return {
    run: (windows: Windows, out: Row) => {
      const { floats, histogramSide, plan } = windows;
      if (histogramSide !== null && histogramSide.count > 0) {
        throw new PromqlError(
          "PROMQL_EXECUTION",
          "native histograms are not supported in extended range functions",
        );
      }
      const { times, lo, hi } = floats;
      const readFrom = plan.endMs - plan.rangeMs - xLookbackMs;
      let first = 0;
      while (first < floats.count && times[first]! < readFrom) first++;
      if (first === floats.count) return;
      const appearedMs = times[first]!;
      for (let i = 0; i < plan.count; i++) {
        const rangeEnd = windows.endAt(i);
        const rangeStart = rangeEnd - plan.rangeMs;
        let from = lo[i]!;
        const before = from - 1;
        if (before >= first && times[before]! > rangeStart - xLookbackMs) from = before;
        if (from >= hi[i]!) continue;
        out.values[i] = extendedDelta(windows, kind, from, hi[i]!, rangeEnd, appearedMs);
        out.present[i] = 1;
      }
    },
  };
}
