// Downsampled chunks against a direct computation over the samples.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkMemory } from "@deucalion/kernels";
import { Aggregate, emptyHistogram, type FloatHistogram, SampleColumns } from "@deucalion/model";
import { aggregateChunks, decodeChunkInto, encodeSamples } from "@deucalion/tsdb";
import fc from "fast-check";
import { fromEncoded, type SourceChunk } from "../compact/merge/source-chunk.ts";
import { SeriesDownsampler } from "./downsample-block.ts";

const fiveMinutes = 300_000;
const oneHour = 3_600_000;

function encode(samples: SampleColumns): SourceChunk[] {
  return encodeSamples(samples, 0, samples.count).map(fromEncoded);
}

function downsample(
  chunks: readonly SourceChunk[],
  from: number,
  to: number,
  room = { samples: 1 << 17, arenaBytes: 1 << 20 },
): SourceChunk[] {
  const out: SourceChunk[] = [];
  const memory = new ChunkMemory({ bufferBytes: 64, bufferCount: 1, ...room });
  new SeriesDownsampler(from, to, memory, 1 << 12).downsample(chunks, out);
  return out;
}

/** Samples of one aggregate of each chunk. */
function aggregateOf(chunks: readonly SourceChunk[], aggregate: Aggregate): SampleColumns[] {
  return chunks.map((chunk) => {
    const samples = new SampleColumns();
    for (const part of aggregateChunks(chunk.data, chunk.offset, chunk.length)) {
      if (part.aggregate !== aggregate) continue;
      decodeChunkInto(part.encoding, chunk.data, part.offset, part.length, samples);
    }
    return samples;
  });
}

function points(columns: readonly SampleColumns[]): [number, number][] {
  return columns.flatMap((one) =>
    Array.from({ length: one.count }, (_, i): [number, number] => [one.times[i]!, one.values[i]!]),
  );
}

/** Chunks with all that is known of them, wherever their bytes lie. */
function contentOf(chunks: readonly SourceChunk[]): unknown[] {
  return chunks.map(({ data, offset, length, ...chunk }) => ({
    times: [chunk.minTime, chunk.maxTime],
    encoding: chunk.encoding,
    samples: chunk.sampleCount,
    bytes: data.slice(offset, offset + length),
    frame: data.slice(chunk.frameStart, chunk.frameEnd),
  }));
}

/** Any numbers, some of them stale markers or none at all, at times that may stand still. */
const unruly = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constant(15_000), fc.constant(60_000), fc.nat(900_000), fc.constant(2 ** 33)),
      fc.oneof(
        fc.nat(1000),
        fc.double(),
        fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        fc.constant("stale" as const),
      ),
    ),
    { minLength: 1, maxLength: 2000 },
  )
  .chain((steps) => fc.tuple(fc.constant(steps), fc.integer({ min: -(10 ** 12), max: 10 ** 13 })))
  .map(([steps, start]) => {
    const samples = new SampleColumns();
    let time = start;
    for (const [step, value] of steps) {
      time += step;
      samples.pushFloat(time, value === "stale" ? 0 : value);
      if (value !== "stale") continue;
      samples.valueBits[2 * samples.count - 2] = 2;
      samples.valueBits[2 * samples.count - 1] = 0x7ff00000;
    }
    return samples;
  });

test("WebAssembly and JavaScript make the same chunks of any floats", () => {
  const none = { samples: 0, arenaBytes: 0 };
  fc.assert(
    fc.property(unruly, (samples) => {
      const raw = encode(samples);
      const five = downsample(raw, 0, fiveMinutes);
      const byScript = downsample(raw, 0, fiveMinutes, none);
      assert.deepEqual(contentOf(five), contentOf(byScript));
      if (five.length === 0) return;
      const hour = downsample(five, fiveMinutes, oneHour);
      assert.deepEqual(contentOf(hour), contentOf(downsample(five, fiveMinutes, oneHour, none)));
      // Raw chunks in a block of five minutes.
      const mixed = [...five, ...raw];
      assert.deepEqual(
        contentOf(downsample(mixed, fiveMinutes, oneHour)),
        contentOf(downsample(mixed, fiveMinutes, oneHour, none)),
      );
    }),
  );
});

/** Integers, so that sums are exact in any order. */
const series = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 400_000 }), fc.integer({ min: 0, max: 1000 })), {
    minLength: 1,
    maxLength: 1500,
  })
  .map((steps) => {
    const samples = new SampleColumns();
    let time = 1_704_153_600_000;
    for (const [step, value] of steps) {
      time += step;
      samples.pushFloat(time, value);
    }
    return samples;
  });

/** What each window must hold, straight from the samples. */
function windowsOf(samples: SampleColumns, resolutionMs: number): Map<number, number[]> {
  const windows = new Map<number, number[]>();
  for (let i = 0; i < samples.count; i++) {
    const key = Math.floor(samples.times[i]! / resolutionMs);
    const window = windows.get(key);
    if (window === undefined) windows.set(key, [samples.values[i]!]);
    else window.push(samples.values[i]!);
  }
  return windows;
}

test("5 minutes: count, sum, min and max of every window are exact", () => {
  fc.assert(
    fc.property(series, (samples) => {
      const windows = windowsOf(samples, fiveMinutes);
      const chunks = downsample(encode(samples), 0, fiveMinutes);
      const fold: [Aggregate, (values: number[]) => number][] = [
        [Aggregate.count, (values) => values.length],
        [Aggregate.sum, (values) => values.reduce((a, b) => a + b, 0)],
        [Aggregate.min, (values) => Math.min(...values)],
        [Aggregate.max, (values) => Math.max(...values)],
      ];
      for (const [aggregate, of] of fold) {
        const got = points(aggregateOf(chunks, aggregate)).map(([time, value]) => [
          Math.floor(time / fiveMinutes),
          value,
        ]);
        assert.deepEqual(
          got,
          [...windows].map(([key, values]) => [key, of(values)]),
        );
      }
    }),
    { numRuns: 50 },
  );
});

/** Growth of a counter with resets taken out, over all samples. */
function growth(samples: SampleColumns): number {
  let total = 0;
  for (let i = 1; i < samples.count; i++) {
    const value = samples.values[i]!;
    const before = samples.values[i - 1]!;
    total += value < before ? value : value - before;
  }
  return total;
}

/** Growth as a reader of counter aggregates sees it: within chunks, and over their borders by the true values. */
function growthOf(counters: readonly SampleColumns[]): number {
  let total = 0;
  let last: number | null = null;
  for (const one of counters) {
    const first = one.values[0]!;
    if (last !== null) total += first < last ? first : first - last;
    total += one.values[one.count - 2]! - first;
    last = one.values[one.count - 1]!;
  }
  return total;
}

test("counters are exact across resets, at 5 minutes and at 1 hour", () => {
  fc.assert(
    fc.property(series, (samples) => {
      const want = growth(samples);
      const five = downsample(encode(samples), 0, fiveMinutes);
      assert.equal(growthOf(aggregateOf(five, Aggregate.counter)), want);
      const hour = downsample(five, fiveMinutes, oneHour);
      assert.equal(growthOf(aggregateOf(hour, Aggregate.counter)), want);
      const counts = points(aggregateOf(hour, Aggregate.count));
      assert.equal(
        counts.reduce((sum, [, count]) => sum + count, 0),
        samples.count,
      );
      const sums = points(aggregateOf(hour, Aggregate.sum));
      assert.equal(
        sums.reduce((sum, [, value]) => sum + value, 0),
        points([samples]).reduce((sum, [, value]) => sum + value, 0),
      );
    }),
    { numRuns: 50 },
  );
});

test("stale markers and NaN leave no trace; a series of nothing else is empty", () => {
  const samples = new SampleColumns();
  for (let i = 0; i < 40; i++) samples.pushFloat(1000 + i * 60_000, i % 2 === 0 ? Number.NaN : i);
  const chunks = downsample(encode(samples), 0, fiveMinutes);
  const counts = points(aggregateOf(chunks, Aggregate.count));
  assert.equal(
    counts.reduce((sum, [, count]) => sum + count, 0),
    20,
  );
  const nothing = new SampleColumns();
  nothing.pushFloat(1000, Number.NaN);
  assert.deepEqual(downsample(encode(nothing), 0, fiveMinutes), []);
});

function custom(bounds: readonly number[], buckets: readonly number[]): FloatHistogram {
  const count = buckets.reduce((a, b) => a + b, 0);
  return {
    ...emptyHistogram(-53, Float64Array.from(bounds)),
    count,
    sum: count * 2,
    positiveSpans: [{ offset: 0, length: buckets.length }],
    positiveBuckets: Float64Array.from(buckets),
  };
}

test("histograms with custom buckets, whose bounds change, keep their counts", () => {
  const samples = new SampleColumns();
  for (let i = 0; i < 600; i++) {
    const bounds = i < 300 ? [1, 2, 5] : [1, 2, 5, 10];
    const buckets = bounds.map((_, b) => (i % 300) * (b + 1));
    samples.pushHistogram(1_704_153_600_000 + i * 60_000, custom(bounds, [...buckets, 1]));
  }
  const five = downsample(encode(samples), 0, fiveMinutes);
  const hour = downsample(five, fiveMinutes, oneHour);
  for (const chunks of [five, hour]) {
    const counts = points(aggregateOf(chunks, Aggregate.count));
    assert.equal(
      counts.reduce((sum, [, count]) => sum + count, 0),
      600,
    );
    const sums = aggregateOf(chunks, Aggregate.sum).flatMap((one) =>
      Array.from({ length: one.count }, (_, i) => one.histograms![i]!.count),
    );
    const want = samples.histograms!.reduce((sum, h) => sum + h!.count, 0);
    assert.equal(
      sums.reduce((a, b) => a + b, 0),
      want,
    );
  }
});

test("exponential histograms of changing schema and zero bucket keep their counts", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -2, max: 4 }), fc.integer({ min: 0, max: 5 })), {
        minLength: 1,
        maxLength: 200,
      }),
      (steps) => {
        const samples = new SampleColumns();
        for (const [i, [schema, zero]] of steps.entries()) {
          samples.pushHistogram(1_704_153_600_000 + i * 60_000, {
            ...emptyHistogram(schema),
            zeroThreshold: zero === 0 ? 0 : 2 ** -zero,
            zeroCount: zero,
            count: zero + 6,
            sum: 3,
            positiveSpans: [{ offset: 12, length: 2 }],
            positiveBuckets: Float64Array.of(2, 4),
          });
        }
        const chunks = downsample(encode(samples), 0, fiveMinutes);
        const total = aggregateOf(chunks, Aggregate.sum)
          .flatMap((one) => Array.from({ length: one.count }, (_, i) => one.histograms![i]!.count))
          .reduce((a, b) => a + b, 0);
        assert.equal(
          total,
          steps.reduce((sum, [, zero]) => sum + zero + 6, 0),
        );
        // Chunks do not overlap.
        for (const [i, chunk] of chunks.entries()) {
          if (i > 0) assert.ok(chunk.minTime > chunks[i - 1]!.maxTime);
        }
      },
    ),
    { numRuns: 50 },
  );
});
