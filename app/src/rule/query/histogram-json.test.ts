import assert from "node:assert/strict";
import { test } from "node:test";
import {
  customBucketsSchema,
  emptyHistogram,
  equalHistograms,
  type FloatHistogram,
  histogramJson,
  spansOf,
} from "@deucalion/model";
import fc from "fast-check";
import { histogramOfJson } from "./histogram-json.ts";

const exponential: fc.Arbitrary<FloatHistogram> = fc
  .record({
    schema: fc.integer({ min: -4, max: 8 }),
    positive: fc.uniqueArray(fc.integer({ min: -20, max: 60 }), { maxLength: 12 }),
    negative: fc.uniqueArray(fc.integer({ min: -20, max: 60 }), { maxLength: 12 }),
    zero: fc.integer({ min: 0, max: 5 }),
    sum: fc.double({ noNaN: true, noDefaultInfinity: true }),
  })
  .map(({ schema, positive, negative, zero, sum }) => {
    const up = Int32Array.from(positive).sort();
    const down = Int32Array.from(negative).sort();
    const counts = (indexes: Int32Array): Float64Array =>
      Float64Array.from(indexes, (_, i) => i + 1.5);
    return {
      ...emptyHistogram(),
      schema,
      sum,
      zeroCount: zero,
      zeroThreshold: zero > 0 ? 2 ** -1000 : 0,
      count: [...counts(up), ...counts(down)].reduce((a, b) => a + b, zero),
      positiveSpans: spansOf(up),
      positiveBuckets: counts(up),
      negativeSpans: spansOf(down),
      negativeBuckets: counts(down),
      counterResetHint: "gauge" as const,
    };
  });

test("histogramOfJson() gives back what histogramJson() wrote", () => {
  fc.assert(
    fc.property(exponential, (h) => {
      const back = histogramOfJson(JSON.parse(histogramJson(h)));
      const buckets = h.positiveBuckets.length + h.negativeBuckets.length;
      const want = buckets === 0 ? { ...h, schema: 0 } : h;
      assert.ok(equalHistograms(back, want), `${histogramJson(h)} became ${histogramJson(back)}`);
    }),
    { numRuns: 300 },
  );
});

test("histogramOfJson() keeps the bounds of custom buckets", () => {
  const h: FloatHistogram = {
    ...emptyHistogram(customBucketsSchema, Float64Array.of(0.1, 0.5, 2)),
    count: 10,
    sum: 4.5,
    positiveSpans: [{ offset: 0, length: 4 }],
    positiveBuckets: Float64Array.of(1, 2, 3, 4),
    counterResetHint: "gauge",
  };
  const back = histogramOfJson(JSON.parse(histogramJson(h)));
  assert.deepEqual([back.schema, [...back.customValues]], [customBucketsSchema, [0.1, 0.5, 2]]);
  assert.deepEqual([...back.positiveBuckets], [1, 2, 3, 4]);
  assert.throws(() => histogramOfJson({ count: "1" }), /malformed/);
});
