// Increase of native histograms over a window, before extrapolation: what rate, increase and delta start from.
import {
  addHistograms,
  compactHistogram,
  detectReset,
  type FloatHistogram,
  reduceResolution,
  subtractHistograms,
  usesCustomBuckets,
  withHint,
} from "@deucalion/model";
import type { Annotations } from "../annotations/annotations.ts";
import { infos, warnings } from "../annotations/messages.ts";
import type { Range } from "../parse/ast.ts";

/** Where annotations go, and what they name. */
export interface HistogramRemarks {
  readonly annotations: Annotations;
  readonly range: Range;
  /** Asked for only when there is something to say. */
  readonly metricName: () => string;
}

/**
 * For each histogram of a series whether there was a reset between it and the one before it (0 for the first).
 * Computed once per series, whatever the number of windows.
 */
export function histogramResets(histograms: readonly FloatHistogram[]): Uint8Array {
  const resets = new Uint8Array(histograms.length);
  for (let i = 1; i < histograms.length; i++) {
    if (detectReset(histograms[i]!, histograms[i - 1]!)) resets[i] = 1;
  }
  return resets;
}

/** The parts of `like` without any observation. */
function nothingLike(like: FloatHistogram): FloatHistogram {
  const none = new Float64Array(0);
  return {
    schema: like.schema,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: none,
    negativeBuckets: none,
    customValues: like.customValues,
    counterResetHint: "unknown",
    integer: false,
  };
}

/**
 * Last minus first of `histograms[from … to)` (at least two), plus what counter resets lost; a gauge, compacted.
 * `resets` is as of `histogramResets`, with resets told by start timestamps added. Undefined where the histograms do
 * not go together.
 */
export function histogramIncrease(
  histograms: readonly FloatHistogram[],
  resets: Uint8Array,
  from: number,
  to: number,
  counter: boolean,
  remarks: HistogramRemarks,
): FloatHistogram | undefined {
  const { annotations, range, metricName } = remarks;
  const mixed = (): undefined => {
    annotations.warn(warnings.mixedExponentialCustom(metricName()), range);
    return undefined;
  };
  let first = histograms[from]!;
  const last = histograms[to - 1]!;
  const anyGauge = first.counterResetHint === "gauge" || last.counterResetHint === "gauge";
  let notCounter = counter && anyGauge;
  const warnNotCounter = (): void => {
    if (notCounter) annotations.warn(warnings.notCounter(metricName()), range);
  };
  // A first sample before a reset is never looked at, so its layout does not matter.
  if (counter && resets[from + 1] === 1) first = nothingLike(histograms[from + 1]!);
  const custom = usesCustomBuckets(first);
  if (usesCustomBuckets(last) !== custom) {
    warnNotCounter();
    return mixed();
  }
  let schema = Math.min(first.schema, last.schema);
  for (let i = from + 1; counter && i < to - 1; i++) {
    const current = histograms[i]!;
    if (current.counterResetHint === "gauge") notCounter = true;
    if (current.schema < schema) schema = current.schema;
    if (usesCustomBuckets(current) !== custom) return mixed();
  }
  const difference = subtractHistograms(reduceResolution(last, schema), first);
  if (difference === null) return mixed();
  if (difference.boundsReconciled) {
    annotations.info(infos.mismatchedCustomBuckets("subtraction"), range);
  }
  warnNotCounter();
  let result = difference.histogram;
  if (counter) {
    for (let i = from + 1; i < to; i++) {
      // What came before a reset right after the first sample was left out to begin with.
      if (resets[i] === 0 || i === from + 1) continue;
      const sum = addHistograms(result, histograms[i - 1]!);
      if (sum === null) return mixed();
      if (sum.boundsReconciled) {
        annotations.info(infos.mismatchedCustomBuckets("addition"), range);
      }
      result = sum.histogram;
    }
  } else if (histograms[from]!.counterResetHint !== "gauge" || last.counterResetHint !== "gauge") {
    annotations.warn(warnings.notGauge(metricName()), range);
  }
  return compactHistogram(withHint(result, "gauge"));
}
