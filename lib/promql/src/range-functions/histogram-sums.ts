// sum_over_time and avg_over_time of native histograms.
import { type FloatHistogram, HistogramMean, HistogramSum } from "@deucalion/model";
import { infos, warnings } from "../annotations/messages.ts";
import type { HistogramWindowFunction } from "./combine.ts";

function folded(mean: boolean): HistogramWindowFunction {
  return (windows, _step, lo, hi): FloatHistogram | undefined => {
    const { annotations, range } = windows.plan;
    const { histograms } = windows;
    const first = histograms[lo]!;
    const sum = mean ? new HistogramMean(first) : new HistogramSum(first);
    let reset = first.counterResetHint === "reset";
    let noReset = first.counterResetHint === "not_reset";
    let reconciled = false;
    for (let i = lo + 1; i < hi; i++) {
      const histogram = histograms[i]!;
      if (histogram.counterResetHint === "reset") reset = true;
      else if (histogram.counterResetHint === "not_reset") noReset = true;
      const result = sum.add(histogram);
      if (result === "incompatible") {
        annotations.warn(warnings.mixedExponentialCustom(windows.metricName()), range);
        return undefined;
      }
      if (result === "reconciled") reconciled = true;
    }
    if (reset && noReset) annotations.warn(warnings.counterResetCollision("aggregation"), range);
    if (reconciled) annotations.info(infos.mismatchedCustomBuckets("aggregation"), range);
    return sum.value();
  };
}

/** Sum of a window of histograms. */
export const sumHistograms: HistogramWindowFunction = folded(false);
/** Mean of a window of histograms. */
export const meanHistograms: HistogramWindowFunction = folded(true);
