// What a native histogram counts for in sample limits and statistics.
import type { FloatHistogram } from "@deucalion/model";

/** Samples of 16 bytes that a histogram and its timestamp take, as Prometheus reckons. */
export function histogramSamples(h: FloatHistogram): number {
  const bytes =
    168 +
    8 * (h.positiveSpans.length + h.negativeSpans.length) +
    8 * (h.positiveBuckets.length + h.negativeBuckets.length + h.customValues.length);
  return Math.trunc((bytes + 8) / 16);
}
