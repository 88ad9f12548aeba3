// Exponential histograms of OTLP as native ones.
import { type BucketSpan, staleNaN } from "@deucalion/model";
import type { WireHistogram } from "@deucalion/storeapi";
import { ReceiveError } from "../receive/errors.ts";
import type { ExponentialBuckets, ExponentialPoint } from "./otlp-metrics.ts";

const schemaMin = -4;
const schemaMax = 8;
const zeroThreshold = 1e-128;
/** Runs of empty buckets longer than this begin a new span. */
const gapMax = 2;

/** Throws RECEIVE_BODY for scales that native histograms do not have. */
export function exponentialHistogram(point: ExponentialPoint): WireHistogram {
  if (point.scale < schemaMin) {
    throw new ReceiveError(
      "RECEIVE_BODY",
      `cannot convert exponential to native histogram. Scale must be >= ${schemaMin}, was ${point.scale}`,
    );
  }
  const down = Math.max(0, point.scale - schemaMax);
  const positive = sparse(point.positive, down);
  const negative = sparse(point.negative, down);
  return {
    countInt: point.noValue ? 0 : point.count,
    sum: point.noValue ? staleNaN() : (point.sum ?? 0),
    schema: Math.min(point.scale, schemaMax),
    zeroThreshold,
    zeroCountInt: point.noValue ? 0 : point.zeroCount,
    negativeSpans: negative.spans,
    negativeDeltas: negative.deltas,
    negativeCounts: [],
    positiveSpans: positive.spans,
    positiveDeltas: positive.deltas,
    positiveCounts: [],
    resetHint: 0,
    timestamp: point.timeMs,
    customValues: [],
  };
}

/** Dense buckets as spans and differences; 2^down buckets become one. */
function sparse(
  { offset, counts }: ExponentialBuckets,
  down: number,
): { spans: BucketSpan[]; deltas: number[] } {
  const spans: { offset: number; length: number }[] = [];
  const deltas: number[] = [];
  const scaled = (index: number): number => Math.floor((index + offset) / 2 ** down) + 1;
  let before = 0;
  // Where the next bucket of the current span would be.
  let next = 0;
  const put = (index: number, count: number): void => {
    const gap = index - next;
    if (spans.length === 0) spans.push({ offset: index, length: 0 });
    else if (gap > gapMax) spans.push({ offset: gap, length: 0 });
    else for (let i = 0; i < gap; i++) add(0);
    add(count);
    next = index + 1;
  };
  const add = (count: number): void => {
    spans.at(-1)!.length++;
    deltas.push(count - before);
    before = count;
  };
  for (let i = 0; i < counts.length; ) {
    const index = scaled(i);
    let count = 0;
    for (; i < counts.length && scaled(i) === index; i++) count += counts[i]!;
    if (count > 0) put(index, count);
  }
  return { spans, deltas };
}
