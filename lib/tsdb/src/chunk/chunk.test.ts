// Chunk codecs under random samples: floats with start timestamps, histograms of any layout, damage.
import assert from "node:assert/strict";
import test from "node:test";
import {
  Aggregate,
  type BucketSpan,
  type FloatHistogram,
  SampleColumns,
  staleNaN,
} from "@deucalion/model";
import fc from "fast-check";
import { aggregateChunks, encodeAggregateChunk } from "./aggregate-chunks.ts";
import { decodeChunkInto } from "./decode-chunk.ts";
import { type EncodedChunk, encodeSamples } from "./encode-samples.ts";
import { bucketIndices, spreadBuckets, uniteBuckets } from "./unite-buckets.ts";

const starts = { samplesPerChunk: 120, xor2: true, histogramStartTimes: true };
const plain = { samplesPerChunk: 120, xor2: false, histogramStartTimes: false };

function decodeAll(chunks: readonly EncodedChunk[]): SampleColumns {
  const out = new SampleColumns(1);
  for (const chunk of chunks)
    decodeChunkInto(chunk.encoding, chunk.data, 0, chunk.data.length, out);
  return out;
}

/** Count in each bucket by its number, for comparing layouts that differ in empty buckets only. */
function bucketsOf(spans: readonly BucketSpan[], counts: Float64Array): Record<string, number> {
  const indices = bucketIndices(spans);
  return Object.fromEntries(indices.map((b, i) => [b, counts[i]!]).filter(([, n]) => n !== 0));
}

function summary(h: FloatHistogram): unknown {
  return {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCount: h.zeroCount,
    count: h.count,
    sum: h.sum,
    positive: bucketsOf(h.positiveSpans, h.positiveBuckets),
    negative: bucketsOf(h.negativeSpans, h.negativeBuckets),
    customValues: [...h.customValues],
    integer: h.integer,
    gauge: h.counterResetHint === "gauge",
  };
}

const side = fc
  .uniqueArray(fc.integer({ min: -9, max: 9 }), { maxLength: 6 })
  .map((buckets) => buckets.sort((a, b) => a - b))
  .map((buckets): BucketSpan[] => {
    const spans: { offset: number; length: number }[] = [];
    let next = 0;
    for (const bucket of buckets) {
      if (spans.length > 0 && bucket === next) spans[spans.length - 1]!.length++;
      else spans.push({ offset: bucket - next, length: 1 });
      next = bucket + 1;
    }
    return spans;
  });

const histogram: fc.Arbitrary<FloatHistogram> = fc
  .record({
    schema: fc.constantFrom(0, 3, -53),
    zeroThreshold: fc.constantFrom(0, 2 ** -128, 0.001),
    positiveSpans: side,
    negativeSpans: side,
    seed: fc.nat(50),
    integer: fc.boolean(),
    gauge: fc.boolean(),
    stale: fc.nat(9),
  })
  .map(({ schema, zeroThreshold, positiveSpans, negativeSpans, seed, integer, gauge, stale }) => {
    const scale = integer ? 1 : 0.25;
    const empty = stale === 0;
    const width = (spans: readonly BucketSpan[]): number =>
      empty ? 0 : bucketIndices(spans).length;
    const fill = (n: number): Float64Array =>
      Float64Array.from({ length: n }, (_, i) => scale * ((seed + i * 7) % 13));
    return {
      schema: empty ? 0 : schema,
      zeroThreshold: empty ? 0 : zeroThreshold,
      zeroCount: empty ? 0 : scale * (seed % 5),
      count: empty ? 0 : scale * seed * 3,
      sum: empty ? staleNaN() : seed / 7,
      positiveSpans: empty ? [] : positiveSpans,
      negativeSpans: empty ? [] : negativeSpans,
      positiveBuckets: fill(width(positiveSpans)),
      negativeBuckets: fill(width(negativeSpans)),
      customValues:
        schema === -53 && !empty ? Float64Array.of(0.1, 1, 2.5, 1e9 + 0.5) : new Float64Array(0),
      counterResetHint: gauge && !empty ? "gauge" : "unknown",
      integer,
    } as const;
  });

test("histograms of any layout survive, with and without start timestamps", () => {
  fc.assert(
    fc.property(fc.array(histogram, { maxLength: 30 }), fc.boolean(), (list, withStarts) => {
      const samples = new SampleColumns();
      for (const [i, h] of list.entries()) {
        const time = 1_700_000_000_000 + i * 15_000 + (i % 7);
        samples.pushHistogram(time, h, withStarts && i % 3 !== 0 ? time - 5 - (i % 4) * 1000 : 0);
      }
      const chunks = encodeSamples(samples, 0, samples.count, withStarts ? starts : plain);
      const out = decodeAll(chunks);
      assert.equal(out.count, list.length);
      for (const [i, h] of list.entries()) {
        assert.equal(out.times[i], samples.times[i]);
        assert.equal(out.startTimes?.[i] ?? 0, samples.startTimes?.[i] ?? 0);
        assert.equal(out.isStale(i), samples.isStale(i));
        if (!samples.isStale(i)) assert.deepEqual(summary(out.histograms![i]!), summary(h));
      }
    }),
    { numRuns: 300 },
  );
});

test("XOR2 keeps values, stale markers and start timestamps, past sample 127 too", () => {
  const sample = fc.record({
    step: fc.oneof(fc.constant(15_000), fc.integer({ min: 1, max: 10 ** 7 }), fc.constant(2 ** 40)),
    value: fc.oneof(fc.constant(1), fc.double(), fc.constant(staleNaN())),
    start: fc.oneof(
      fc.constant(0),
      fc.constant(1_600_000_000_000),
      fc.integer({ min: 1, max: 10 ** 12 }),
    ),
  });
  const constant = fc.record({
    step: fc.constant(1000),
    value: fc.constant(2),
    start: fc.constant(7),
  });
  const lists = fc.tuple(
    fc.array(constant, { maxLength: 150 }),
    fc.array(sample, { maxLength: 40 }),
  );
  fc.assert(
    fc.property(lists, ([steady, wild]) => {
      const samples = new SampleColumns();
      let time = 1_700_000_000_000;
      for (const { step, value, start } of [...steady, ...wild]) {
        time += step;
        samples.pushFloat(time, value, start);
      }
      const out = decodeAll(
        encodeSamples(samples, 0, samples.count, { ...starts, samplesPerChunk: 500 }),
      );
      assert.deepEqual(out.times.slice(0, out.count), samples.times.slice(0, samples.count));
      assert.deepEqual(
        out.valueBits.slice(0, 2 * out.count),
        samples.valueBits.slice(0, 2 * samples.count),
      );
      for (let i = 0; i < samples.count; i++) {
        assert.equal(out.startTimes?.[i] ?? 0, samples.startTimes?.[i] ?? 0);
      }
    }),
    { numRuns: 300 },
  );
});

test("encodeSamples() cuts at changes of kind and after 120 samples", () => {
  const samples = new SampleColumns();
  for (let i = 0; i < 250; i++) samples.pushFloat(i, i);
  samples.pushHistogram(300, { ...emptyHistogram, count: 1 });
  samples.pushFloat(301, 1);
  const chunks = encodeSamples(samples, 0, samples.count);
  assert.deepEqual(
    chunks.map(({ encoding, minTime, maxTime, sampleCount }) => [
      encoding,
      minTime,
      maxTime,
      sampleCount,
    ]),
    [
      [1, 0, 119, 120],
      [1, 120, 239, 120],
      [1, 240, 249, 10],
      [2, 300, 300, 1],
      [1, 301, 301, 1],
    ],
  );
});

const emptyHistogram: FloatHistogram = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  negativeSpans: [],
  positiveBuckets: new Float64Array(0),
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
  counterResetHint: "unknown",
  integer: true,
};

test("uniteBuckets() holds every bucket of both, once", () => {
  fc.assert(
    fc.property(side, side, (a, b) => {
      const union = uniteBuckets(a, b);
      const all = [...new Set([...bucketIndices(a), ...bucketIndices(b)])].sort((x, y) => x - y);
      assert.deepEqual(bucketIndices(union.spans), all);
      assert.equal(union.extendsA, all.length > bucketIndices(a).length);
      const spread = spreadBuckets(
        Float64Array.from(bucketIndices(a)),
        union.positionsA,
        union.size,
      );
      for (const [i, bucket] of all.entries()) {
        assert.equal(spread[i], bucketIndices(a).includes(bucket) ? bucket : 0);
      }
    }),
  );
});

test("aggregateChunks() gives back what encodeAggregateChunk() joined", () => {
  const parts = [
    { aggregate: Aggregate.count, encoding: 1, data: Uint8Array.of(1, 2, 3) },
    { aggregate: Aggregate.counter, encoding: 3, data: Uint8Array.of(4) },
  ];
  const data = encodeAggregateChunk(parts);
  const found = aggregateChunks(data, 0, data.length);
  assert.deepEqual(
    found.map(({ aggregate, encoding, offset, length }) => ({
      aggregate,
      encoding,
      data: data.slice(offset, offset + length),
    })),
    parts,
  );
  assert.throws(() => aggregateChunks(data, 0, data.length - 1), { code: "TSDB_CHUNK_DATA" });
});

test("decodeChunkInto() refuses encodings that it does not know", () => {
  const out = new SampleColumns();
  assert.throws(() => decodeChunkInto(7, new Uint8Array(10), 0, 10, out), {
    code: "TSDB_CHUNK_ENCODING",
  });
});
