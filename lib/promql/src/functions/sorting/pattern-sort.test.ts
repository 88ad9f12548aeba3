// Sorting as Go sorts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { patternSort } from "./pattern-sort.ts";

test("patternSort() sorts, whatever the pattern", () => {
  const lists = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 300 }),
    fc.array(fc.integer(), { maxLength: 300 }),
    fc.nat(300).map((size) => Array.from({ length: size }, (_, i) => i)),
    fc.nat(300).map((size) => Array.from({ length: size }, (_, i) => -i)),
    fc.nat(300).map((size) => Array.from({ length: size }, (_, i) => (i * 7919) % 97)),
  );
  fc.assert(
    fc.property(lists, (list) => {
      const expected = [...list].sort((a, b) => a - b);
      assert.deepEqual(
        patternSort([...list], (a, b) => a < b),
        expected,
      );
    }),
  );
});
