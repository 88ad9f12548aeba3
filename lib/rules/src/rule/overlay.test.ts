import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@deucalion/model";
import fc from "fast-check";
import { overlay, overlayPairs } from "./overlay.ts";

const labels = fc.dictionary(
  fc.constantFrom("__name__", "a", "b", "c", "d", "é", "\u{1f600}", "\uffee"),
  fc.constantFrom("", "1", "2", "3"),
);

test("overlay() is what a map would give", () => {
  fc.assert(
    fc.property(labels, labels, (base, over) => {
      const got = overlay(Labels.from(base), overlayPairs(Object.entries(over)));
      assert.deepEqual(got.pairs, Labels.from({ ...base, ...over }).pairs);
    }),
  );
});
