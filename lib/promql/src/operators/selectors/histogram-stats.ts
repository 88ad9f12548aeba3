// Native histograms without their buckets, for queries that only look at count and sum.
import {
  detectReset,
  emptyHistogram,
  type FloatHistogram,
  type SampleColumns,
} from "@deucalion/model";

/** Replaces histograms by their count and sum; whether a counter was reset is found out before buckets go. */
export function histogramStats(columns: SampleColumns): void {
  const { histograms } = columns;
  if (histograms === null) return;
  let before: FloatHistogram | undefined;
  for (let i = 0; i < columns.count; i++) {
    const current = histograms[i];
    if (current === undefined || columns.isStale(i)) continue;
    let hint = current.counterResetHint;
    if (hint === "unknown" && before !== undefined) {
      hint = detectReset(current, before) ? "reset" : "not_reset";
    }
    histograms[i] = {
      ...emptyHistogram(),
      schema: current.schema,
      count: current.count,
      sum: current.sum,
      counterResetHint: hint,
      integer: current.integer,
    };
    before = current.counterResetHint === hint ? current : { ...current, counterResetHint: hint };
  }
}
