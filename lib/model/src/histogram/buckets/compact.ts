// Removing empty buckets from a native histogram, or closing small gaps.
import type { BucketSpan, FloatHistogram } from "../../histogram.ts";
import { bucketIndexes, spansOf } from "./layout.ts";

/** True if there is no empty bucket and no span that could be joined with its neighbour. */
function isTight(spans: readonly BucketSpan[], buckets: Float64Array): boolean {
  for (let i = 0; i < buckets.length; i++) if (buckets[i] === 0) return false;
  for (let i = 0; i < spans.length; i++) {
    if (spans[i]!.length === 0 || (i > 0 && spans[i]!.offset <= 0)) return false;
  }
  return true;
}

function compactSide(
  spans: readonly BucketSpan[],
  buckets: Float64Array,
  gapMax: number,
): { spans: readonly BucketSpan[]; buckets: Float64Array } {
  const indexes = bucketIndexes(spans);
  const outIndexes: number[] = [];
  const outBuckets: number[] = [];
  for (let i = 0; i < buckets.length; i++) {
    if (buckets[i] === 0) continue;
    const index = indexes[i]!;
    const last = outIndexes.at(-1);
    if (last !== undefined && index - last - 1 <= gapMax) {
      for (let gap = last + 1; gap < index; gap++) {
        outIndexes.push(gap);
        outBuckets.push(0);
      }
    }
    outIndexes.push(index);
    outBuckets.push(buckets[i]!);
  }
  return {
    spans: spansOf(Int32Array.from(outIndexes)),
    buckets: Float64Array.from(outBuckets),
  };
}

/** Drops empty buckets but those between populated ones at most `gapMax` apart; the same object where nothing changes. */
export function compactHistogram(h: FloatHistogram, gapMax = 0): FloatHistogram {
  const positive =
    gapMax === 0 && isTight(h.positiveSpans, h.positiveBuckets)
      ? null
      : compactSide(h.positiveSpans, h.positiveBuckets, gapMax);
  const negative =
    gapMax === 0 && isTight(h.negativeSpans, h.negativeBuckets)
      ? null
      : compactSide(h.negativeSpans, h.negativeBuckets, gapMax);
  if (positive === null && negative === null) return h;
  return {
    ...h,
    positiveSpans: positive?.spans ?? h.positiveSpans,
    positiveBuckets: positive?.buckets ?? h.positiveBuckets,
    negativeSpans: negative?.spans ?? h.negativeSpans,
    negativeBuckets: negative?.buckets ?? h.negativeBuckets,
  };
}
