// Rows of histograms against the objects made of them, and columns that mix rows with everything else.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scaledDifference } from "./histogram/arithmetic/scaled-difference.ts";
import type { FloatHistogram } from "./histogram.ts";
import { type HistogramRowsLayout, rowHead } from "./histogram-rows.ts";
import { SampleColumns } from "./sample-columns.ts";
import { putStale } from "./stale.ts";

const exponential: HistogramRowsLayout = {
  schema: 2,
  zeroThreshold: 1e-9,
  positiveSpans: [{ offset: -3, length: 5 }],
  negativeSpans: [{ offset: 0, length: 2 }],
  customValues: new Float64Array(0),
  integer: true,
  gauge: false,
  positive: 5,
  negative: 2,
};
const layouts: readonly HistogramRowsLayout[] = [
  exponential,
  { ...exponential, positiveSpans: [{ offset: -3, length: 5 }] },
  { ...exponential, negativeSpans: [], negative: 0, gauge: true },
  { ...exponential, zeroThreshold: 10 },
  { ...exponential, schema: 1 },
  {
    ...exponential,
    schema: -53,
    zeroThreshold: 0,
    positiveSpans: [{ offset: 0, length: 3 }],
    negativeSpans: [],
    customValues: Float64Array.of(1, 2),
    positive: 3,
    negative: 0,
  },
];

/** Appends a chunk as a decoder does. `seeds` make the samples; 0 makes a stale marker. */
function addChunk(columns: SampleColumns, layout: HistogramRowsLayout, seeds: readonly number[]) {
  const rows = columns.withRows();
  const first = columns.count;
  const stride = rowHead + layout.positive + layout.negative;
  columns.reserve(seeds.length);
  rows.reserve(seeds.length * stride, first + seeds.length);
  let at = rows.used;
  let stale = 0;
  for (const [i, seed] of seeds.entries()) {
    columns.times[first + i] = first + i;
    columns.values[first + i] = seed / 8;
    rows.rowAt[first + i] = at;
    if (seed === 0) {
      putStale(columns.valueBits, first + i);
      rows.rowAt[first + i] = -1;
      stale++;
    } else for (let k = 0; k < stride; k++) rows.cells[at++] = (seed * (k + 3)) % 11;
  }
  rows.add(layout, first, first + seeds.length, at, stale);
  columns.count += seeds.length;
}

const seed = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 40 }) }, fc.constant(0));
const chunk = fc.tuple(fc.constantFrom(...layouts), fc.array(seed, { minLength: 1, maxLength: 5 }));

test("a difference of rows is the difference of their objects", () => {
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 4 }), fc.nat(), (chunks, pick) => {
      const columns = new SampleColumns(1);
      for (const [layout, seeds] of chunks) addChunk(columns, layout, seeds);
      const rows = columns.withRows();
      const differences: (FloatHistogram | null)[] = [];
      const singles: FloatHistogram[] = [];
      const pairs: (readonly [number, number])[] = [];
      for (let i = 0; i < columns.count; i++) {
        singles.push(rows.at(i, columns.values));
        const j = (i * 7 + pick) % columns.count;
        if (columns.isStale(i) || columns.isStale(j)) continue;
        pairs.push([i, j]);
        differences.push(rows.scaledDifference(i, j, 0.3, columns.values));
        assert.equal(rows.count(i), singles[i]!.count);
      }
      assert.equal(columns.plainRows === null, rows.stale > 0);
      const list = columns.histograms as FloatHistogram[];
      assert.equal(columns.plainRows, null);
      assert.deepEqual(list, singles);
      for (const [at, [i, j]] of pairs.entries()) {
        assert.deepEqual(differences[at], scaledDifference(list[i]!, list[j]!, 0.3));
      }
    }),
    { numRuns: 200 },
  );
});

const plainRows = (columns: SampleColumns) => columns.plainRows;
const histogramsOf = (columns: SampleColumns) => columns.histograms;

test("columns keep the order of rows, objects and floats, and what they handed out", () => {
  const columns = new SampleColumns(1);
  columns.pushFloat(0, 5);
  addChunk(columns, exponential, [3, 0, 4]);
  assert.equal(columns.hasHistograms, true);
  assert.equal(plainRows(columns), null);
  assert.equal(columns.isStale(2), true);
  columns.pushFloat(4, 7);
  addChunk(columns, layouts[5]!, [6]);
  const list = histogramsOf(columns)!;
  assert.deepEqual(
    Array.from(list, (h) => h?.schema),
    [undefined, 2, 0, 2, undefined, -53],
  );
  assert.deepEqual(
    Array.from(list, (h) => h?.counterResetHint),
    [undefined, "unknown", "unknown", "not_reset", undefined, "unknown"],
  );
  const kept = list[3]!;
  const buckets = [...kept.positiveBuckets];
  columns.reset();
  assert.equal(columns.hasHistograms, false);
  assert.equal(histogramsOf(columns), null);
  addChunk(columns, exponential, [9, 10, 11, 12]);
  assert.equal(plainRows(columns)?.blocks.length, 1);
  assert.deepEqual([...kept.positiveBuckets], buckets);
  columns.count = 2;
  assert.equal(plainRows(columns), null);
  assert.equal(histogramsOf(columns)?.length, 2);
});
