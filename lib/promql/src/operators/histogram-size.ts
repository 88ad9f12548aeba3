// What a native histogram counts for in sample limits and statistics.
import type { FloatHistogram, HistogramRows } from "@deucalion/model";

/** Samples of 16 bytes that a histogram and its timestamp take, as Prometheus reckons. */
export function histogramSamples(h: FloatHistogram): number {
  return samplesOfParts(
    h.positiveSpans.length + h.negativeSpans.length,
    h.positiveBuckets.length + h.negativeBuckets.length + h.customValues.length,
  );
}

function samplesOfParts(spans: number, numbers: number): number {
  return Math.trunc((168 + 8 * spans + 8 * numbers + 8) / 16);
}

/** What the histograms before each count for; the last number is that of all. */
export function sizesUpTo(histograms: readonly FloatHistogram[]): Float64Array {
  const sizes = new Float64Array(histograms.length + 1);
  for (let i = 0; i < histograms.length; i++) {
    sizes[i + 1] = sizes[i]! + histogramSamples(histograms[i]!);
  }
  return sizes;
}

/** The same for histograms that are rows, none of them a stale marker. */
export function sizesOfRows(rows: HistogramRows): Float64Array {
  const sizes = new Float64Array(rows.samples + 1);
  for (const { first, end, layout } of rows.blocks) {
    const { positive, negative, positiveSpans, negativeSpans, customValues } = layout;
    const spans = positiveSpans.length + negativeSpans.length;
    const size = samplesOfParts(spans, positive + negative + customValues.length);
    for (let i = first; i < end; i++) sizes[i + 1] = sizes[i]! + size;
  }
  return sizes;
}
