// Increase of native histograms over a window, before extrapolation.
import {
  addHistograms,
  compactHistogram,
  customBucketsSchema,
  detectReset,
  emptyHistogram,
  type FloatHistogram,
  reduceResolution,
  subtractHistograms,
  usesCustomBuckets,
  withHint,
} from "@deucalion/model";
import { infos, warnings } from "../annotations/messages.ts";
import type { Report } from "./extended-histogram-rate.ts";

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

function warn(report: Report, text: string): undefined {
  report.annotations.warn(text, report.range);
  return undefined;
}

/** The lowest schema that matters, or undefined where exponential and custom buckets are mixed. */
function lowestSchema(
  histograms: readonly FloatHistogram[],
  from: number,
  to: number,
  first: FloatHistogram,
  counter: boolean,
  report: Report,
): number | undefined {
  const last = histograms[to - 1]!;
  const custom = usesCustomBuckets(first);
  const original = histograms[from]!;
  let gauge =
    counter && (original.counterResetHint === "gauge" || last.counterResetHint === "gauge");
  let mixed = usesCustomBuckets(last) !== custom;
  if (mixed && gauge) warn(report, warnings.notCounter(report.metricName()));
  let schema = Math.min(first.schema, last.schema);
  for (let i = from + 1; counter && !mixed && i < to - 1; i++) {
    const current = histograms[i]!;
    if (current.counterResetHint === "gauge") gauge = true;
    if (current.schema < schema) schema = current.schema;
    if (usesCustomBuckets(current) !== custom) mixed = true;
  }
  if (mixed) return warn(report, warnings.mixedExponentialCustom(report.metricName()));
  if (gauge) warn(report, warnings.notCounter(report.metricName()));
  return schema;
}

/**
 * Last minus first of `histograms[from … to)` (at least two), plus what counter resets lost; a gauge, compacted.
 * `resets` is as of `histogramResets`, with resets told by start timestamps added. Undefined, with a warning, where
 * the histograms do not go together.
 */
export function histogramIncrease(
  histograms: readonly FloatHistogram[],
  resets: Uint8Array,
  from: number,
  to: number,
  counter: boolean,
  report: Report,
): FloatHistogram | undefined {
  const mixed = (): undefined => warn(report, warnings.mixedExponentialCustom(report.metricName()));
  const last = histograms[to - 1]!;
  let first = histograms[from]!;
  // A first sample before a reset is never looked at, so its layout does not matter.
  const early = counter && resets[from + 1] === 1;
  if (early) {
    const second = histograms[from + 1]!;
    first = emptyHistogram(second.schema, second.customValues);
  }
  const schema = lowestSchema(histograms, from, to, first, counter, report);
  if (schema === undefined) return undefined;
  const reduced = schema === customBucketsSchema ? last : reduceResolution(last, schema);
  const difference = subtractHistograms(reduced, first);
  if (difference === null) return mixed();
  if (difference.boundsReconciled) {
    report.annotations.info(infos.mismatchedCustomBuckets("subtraction"), report.range);
  }
  let result = difference.histogram;
  for (let i = from + 1; counter && i < to; i++) {
    if (resets[i] === 0 || (early && i === from + 1)) continue;
    const sum = addHistograms(result, histograms[i - 1]!);
    if (sum === null) return mixed();
    if (sum.boundsReconciled) {
      report.annotations.info(infos.mismatchedCustomBuckets("addition"), report.range);
    }
    result = sum.histogram;
  }
  const gauges =
    histograms[from]!.counterResetHint === "gauge" && last.counterResetHint === "gauge";
  if (!counter && !gauges) warn(report, warnings.notGauge(report.metricName()));
  return compactHistogram(withHint(result, "gauge"));
}
