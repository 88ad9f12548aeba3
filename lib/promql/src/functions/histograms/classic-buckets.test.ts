// Quantiles and fractions of classic histograms.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketFraction, bucketQuantile, type Repair } from "./classic-buckets.ts";

function repair(): Repair {
  return { forced: false, minBucket: Infinity, maxBucket: -Infinity, maxDiff: 0 };
}

function quantileOf(q: number, buckets: [number, number][]): [number, Repair] {
  const repaired = repair();
  const bounds = Float64Array.from(buckets, ([bound]) => bound);
  const counts = Float64Array.from(buckets, ([, count]) => count);
  return [bucketQuantile(q, bounds, counts, buckets.length, repaired), repaired];
}

test("bucketQuantile() interpolates within a bucket", () => {
  const buckets: [number, number][] = [
    [0.1, 1],
    [0.2, 3],
    [1, 4],
    [Infinity, 4],
  ];
  assert.equal(quantileOf(0.5, buckets)[0], 0.1 + 0.1 * (1 / 2));
  assert.equal(quantileOf(0, buckets)[0], 0);
  assert.equal(quantileOf(1, buckets)[0], 1);
  assert.equal(quantileOf(-1, buckets)[0], -Infinity);
  assert.equal(quantileOf(2, buckets)[0], Infinity);
  assert.ok(Number.isNaN(quantileOf(Number.NaN, buckets)[0]));
});

test("bucketQuantile() is NaN without +Inf, with one bucket, without observations", () => {
  assert.ok(Number.isNaN(quantileOf(0.5, [[1, 1]])[0]));
  assert.ok(Number.isNaN(quantileOf(0.5, [[Infinity, 1]])[0]));
  assert.ok(
    Number.isNaN(
      quantileOf(0.5, [
        [1, 0],
        [Infinity, 0],
      ])[0],
    ),
  );
});

test("bucketQuantile() adds up equal bounds and reports falls it had to repair", () => {
  const [value, repaired] = quantileOf(0.5, [
    [1, 2],
    [1, 2],
    [2, 3],
    [4, 8],
    [Infinity, 7],
  ]);
  assert.equal(value, 1);
  assert.deepEqual(repaired, { forced: true, minBucket: 2, maxBucket: Infinity, maxDiff: 1 });
});

test("bucketQuantile() keeps quiet about noise", () => {
  const [, repaired] = quantileOf(0.5, [
    [1, 1e15 + 1],
    [2, 1e15],
    [Infinity, 2e15],
  ]);
  assert.equal(repaired.forced, false);
});

test("bucketFraction() is the inverse of the quantile", () => {
  const bounds = Float64Array.of(1, 2, 4, Infinity);
  const counts = Float64Array.of(2, 6, 8, 10);
  const value = bucketQuantile(0.5, bounds.slice(), counts.slice(), 4, repair());
  assert.equal(bucketFraction(-Infinity, value, bounds, counts, 4), 0.5);
  assert.equal(bucketFraction(2, 1, bounds, counts, 4), 0);
  assert.ok(Number.isNaN(bucketFraction(Number.NaN, 1, bounds, counts, 4)));
});
