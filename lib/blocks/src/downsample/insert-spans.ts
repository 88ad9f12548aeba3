// Which spans a sum of histograms has. The buckets are the same however they are cut into spans, but chunks store the
// cuts, and ours are to be those that Thanos writes: a new bucket lengthens the span before it, else the span behind
// it, else becomes a span of its own; spans that come to touch are not joined.
import {
  addHistograms,
  type BucketSpan,
  bucketIndexes,
  customBucketsSchema,
  exponentialBound,
  type FloatHistogram,
  reduceResolution,
} from "@deucalion/model";
import { BlocksError } from "../errors.ts";

interface Span {
  offset: number;
  length: number;
}

/** Inserts the buckets of `added` into `spans`. Buckets for which `skip` holds at the start are left out. */
export function insertSpans(
  spans: readonly BucketSpan[],
  added: readonly BucketSpan[],
  skip: (index: number) => boolean,
): BucketSpan[] {
  const out: Span[] = spans.map(({ offset, length }) => ({ offset, length }));
  let index = 0;
  let skipping = true;
  for (const span of added) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++) {
      if (skipping && skip(index)) continue;
      skipping = false;
      insertBucket(out, index);
    }
  }
  return out;
}

function insertBucket(spans: Span[], index: number): void {
  const [first] = spans;
  if (first === undefined || first.offset > index) {
    if (first !== undefined && first.offset === index + 1) {
      first.length++;
      first.offset--;
      return;
    }
    if (first !== undefined) first.offset -= index + 1;
    spans.unshift({ offset: index, length: 1 });
    return;
  }
  let start = 0;
  for (let at = 0; at < spans.length; at++) {
    const span = spans[at]!;
    start += span.offset;
    const gap = index - (start - span.offset);
    if (index < start) {
      // In the gap before this span; `gap` buckets behind the end of the previous one.
      if (gap === 0) {
        spans[at - 1]!.length++;
        span.offset--;
      } else if (gap === span.offset - 1) {
        span.offset--;
        span.length++;
      } else {
        span.offset -= gap + 1;
        spans.splice(at, 0, { offset: gap, length: 1 });
      }
      return;
    }
    if (index < start + span.length) return;
    start += span.length;
  }
  const behind = index - start;
  if (behind === 0) spans.at(-1)!.length++;
  else spans.push({ offset: behind, length: 1 });
}

function sameBuckets(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  const x = bucketIndexes(a);
  const y = bucketIndexes(b);
  return x.length === y.length && x.every((index, i) => index === y[i]);
}

/** The sum of two histograms, cut into spans as Thanos cuts it. Throws BLOCKS_SOURCE where they cannot be added. */
export function addKeepingSpans(a: FloatHistogram, b: FloatHistogram): FloatHistogram {
  const sum = addHistograms(a, b)?.histogram;
  if (sum === undefined) {
    const text = "histograms of one run have different kinds of buckets";
    throw new BlocksError("BLOCKS_SOURCE", text);
  }
  return withSpansOf(sum, a, b);
}

/** `result`, which was made of `a` and `b`, with the spans that come of inserting the buckets of `b` into `a`. */
export function withSpansOf(
  result: FloatHistogram,
  a: FloatHistogram,
  b: FloatHistogram,
): FloatHistogram {
  const custom = result.schema === customBucketsSchema;
  const left = custom ? a : reduceResolution(a, result.schema);
  const right = custom ? b : reduceResolution(b, result.schema);
  const skip = (index: number): boolean =>
    !custom && exponentialBound(index, result.schema) <= result.zeroThreshold;
  const positive = insertSpans(left.positiveSpans, right.positiveSpans, skip);
  const negative = insertSpans(left.negativeSpans, right.negativeSpans, skip);
  return {
    ...result,
    positiveSpans: sameBuckets(positive, result.positiveSpans) ? positive : result.positiveSpans,
    negativeSpans: sameBuckets(negative, result.negativeSpans) ? negative : result.negativeSpans,
  };
}
