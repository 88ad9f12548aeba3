// Means and compensated sums of native histograms.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FloatHistogram } from "../../histogram.ts";
import { emptyHistogram } from "../make.ts";
import { HistogramSum } from "./accumulator.ts";
import { HistogramMean } from "./mean.ts";

function histogram(sum: number, buckets: number[]): FloatHistogram {
  return {
    ...emptyHistogram(),
    count: buckets.reduce((a, b) => a + b, 0),
    sum,
    positiveSpans: [{ offset: 0, length: buckets.length }],
    positiveBuckets: Float64Array.from(buckets),
  };
}

test("HistogramSum keeps the low bits that plain addition loses", () => {
  const sum = new HistogramSum(histogram(1e100, [1]));
  sum.add(histogram(1, [2]));
  sum.add(histogram(-1e100, [3, 4]));
  const value = sum.value();
  assert.equal(value.sum, 1);
  assert.deepEqual([...value.positiveBuckets], [6, 4]);
});

test("HistogramSum.clone() is independent", () => {
  const sum = new HistogramSum(histogram(1, [1, 2]));
  const copy = sum.clone();
  sum.add(histogram(1, [1, 1]));
  assert.deepEqual([...copy.value().positiveBuckets], [1, 2]);
  assert.deepEqual([...sum.value().positiveBuckets], [2, 3]);
});

test("HistogramMean divides the sum", () => {
  const mean = new HistogramMean(histogram(2, [2, 4]));
  mean.add(histogram(4, [4, 8]));
  mean.add(histogram(6, [0, 0]));
  const value = mean.value();
  assert.deepEqual([value.count, value.sum, ...value.positiveBuckets], [6, 4, 2, 4]);
});

test("HistogramMean goes on where the sum overflows", () => {
  const mean = new HistogramMean(histogram(1e308, [1]));
  mean.add(histogram(1.5e308, [2]));
  mean.add(histogram(0.5e308, [3]));
  const value = mean.value();
  assert.ok(Math.abs(value.sum / 1e308 - 1) < 1e-12);
  assert.ok(Math.abs(value.positiveBuckets[0]! - 2) < 1e-12);
});

test("HistogramMean of an infinity is infinite", () => {
  const mean = new HistogramMean(histogram(Infinity, [1]));
  mean.add(histogram(1, [3]));
  assert.equal(mean.value().sum, Infinity);
});
