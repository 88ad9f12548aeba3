// The union of lists against a set.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareStrings } from "@deucalion/model";
import fc from "fast-check";
import { unionSorted } from "./union-sorted.ts";

test("unionSorted() is a sorted set of all, whether the lists are in order or not", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme-ascii" }),
    fc.constantFrom("a", "b", "ab", "\ufb01", "é"),
  );
  const list = fc.array(text);
  const sorted = list.map((texts) => [...new Set(texts)].sort(compareStrings));
  fc.assert(
    fc.property(fc.array(fc.oneof(list, sorted), { maxLength: 6 }), (lists) => {
      const want = [...new Set(lists.flat())].sort(compareStrings);
      assert.deepEqual(unionSorted(lists), want);
    }),
  );
});
