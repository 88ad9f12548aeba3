// Histograms in records of the write-ahead logs.
//
// Hint byte, varint schema, float64 zero threshold, zero count, count (uvarint or float64), float64 sum, spans
// (varint offset, uvarint length) and buckets (varint difference to the neighbour, or float64) of both sides, and for
// custom buckets their bounds.
import type { ByteReader } from "@deucalion/base";
import {
  type BucketSpan,
  type CounterResetHint,
  customBucketsSchema,
  type FloatHistogram,
} from "@deucalion/model";
import { finestSchema, reduceResolution } from "../chunk/reduce-resolution.ts";
import { TsdbError } from "../errors.ts";

const hints: readonly CounterResetHint[] = ["unknown", "reset", "not_reset", "gauge"];

/** Reads one histogram. */
export function readWalHistogram(from: ByteReader, integer: boolean): FloatHistogram {
  const counterResetHint = hints[from.u8()] ?? "unknown";
  const schema = from.varint();
  const zeroThreshold = from.f64();
  const zeroCount = integer ? from.uvarint() : from.f64();
  const count = integer ? from.uvarint() : from.f64();
  const sum = from.f64();
  const positiveSpans = readSpans(from);
  const negativeSpans = readSpans(from);
  const positiveBuckets = readBuckets(from, integer);
  const negativeBuckets = readBuckets(from, integer);
  checkSpans(positiveSpans, positiveBuckets);
  checkSpans(negativeSpans, negativeBuckets);
  const customValues = schema === customBucketsSchema ? readFloats(from) : new Float64Array(0);
  const histogram: FloatHistogram = {
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans,
    negativeSpans,
    positiveBuckets,
    negativeBuckets,
    customValues,
    counterResetHint,
    integer,
  };
  if (schema <= finestSchema || schema > 52) return histogram;
  const positive = reduceResolution(positiveSpans, positiveBuckets, schema, finestSchema);
  const negative = reduceResolution(negativeSpans, negativeBuckets, schema, finestSchema);
  return {
    ...histogram,
    schema: finestSchema,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
  };
}

function readCount(from: ByteReader, bytesEach: number): number {
  const count = from.uvarint();
  if (count * bytesEach > from.left) {
    throw new TsdbError("TSDB_WAL_RECORD", "histogram is cut off", { count });
  }
  return count;
}

function readSpans(from: ByteReader): BucketSpan[] {
  const spans: BucketSpan[] = [];
  for (let left = readCount(from, 2); left > 0; left--) {
    const offset = from.varint() | 0;
    spans.push({ offset, length: from.uvarint() });
  }
  return spans;
}

function readFloats(from: ByteReader): Float64Array {
  const values = new Float64Array(readCount(from, 8));
  for (let i = 0; i < values.length; i++) values[i] = from.f64();
  return values;
}

function readBuckets(from: ByteReader, integer: boolean): Float64Array {
  if (!integer) return readFloats(from);
  const buckets = new Float64Array(readCount(from, 1));
  let current = 0;
  for (let i = 0; i < buckets.length; i++) {
    current += from.varint();
    buckets[i] = current;
  }
  return buckets;
}

function checkSpans(spans: readonly BucketSpan[], buckets: Float64Array): void {
  let named = 0;
  for (const span of spans) named += span.length;
  if (named !== buckets.length) {
    throw new TsdbError("TSDB_WAL_RECORD", "spans name another number of buckets", {
      named,
      buckets: buckets.length,
    });
  }
}
