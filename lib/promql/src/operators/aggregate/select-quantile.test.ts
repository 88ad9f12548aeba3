// Quantiles by selection against quantiles by sorting.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quantile } from "../../functions/quantile.ts";
import { selectQuantile } from "./select-quantile.ts";

test("selectQuantile() equals the quantile of sorted values", () => {
  const value = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }));
  const q = fc.oneof(fc.double({ min: -0.5, max: 1.5 }), fc.constantFrom(0, 0.5, 1));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 60 }), q, (values, quantileWanted) => {
      const want = quantile(quantileWanted, Float64Array.from(values));
      const got = selectQuantile(quantileWanted, Float64Array.from(values), values.length);
      // Sorting orders -0 before 0, selecting does not.
      assert.equal(got + 0, want + 0);
    }),
  );
});
