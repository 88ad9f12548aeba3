// The order of label bytes is the order of the labels they hold.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareLabelBytes, encodeLabels } from "./label-bytes.ts";
import { compareLabels, Labels } from "./labels.ts";

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b", "\u0000", "é", "😀") }),
  fc.constantFrom("x".repeat(127), "x".repeat(128), "x".repeat(300), `${"x".repeat(300)}y`),
);
const labels = fc
  .dictionary(text, text, { maxKeys: 4, noNullPrototype: true })
  .map((record) => Labels.from(record));

test("compareLabelBytes() orders as compareLabels() does", () => {
  fc.assert(
    fc.property(labels, labels, fc.nat(5), (a, b, gap) => {
      const x = encodeLabels(a);
      const y = encodeLabels(b);
      // One of them somewhere within a larger buffer.
      const data = new Uint8Array(gap + y.end + 3).fill(0x0a);
      data.set(y.data.subarray(y.start, y.end), gap);
      const placed = { data, start: gap, end: gap + y.end };
      assert.equal(Math.sign(compareLabelBytes(x, placed)), Math.sign(compareLabels(a, b)));
      assert.equal(compareLabelBytes(x, { ...x }), 0);
    }),
    { numRuns: 3000 },
  );
});
