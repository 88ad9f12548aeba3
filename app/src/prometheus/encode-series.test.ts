// Label bytes of a series answer against those of the same labels as strings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareLabels, decodeLabels, encodeLabels, Labels } from "@deucalion/model";
import fc from "fast-check";
import { encodeSeries } from "./encode-series.ts";

test("encodeSeries() gives the bytes of each label set, external labels over its own, in order", () => {
  const text = fc.oneof(
    fc.constantFrom("a", "b", "job", "1", "10", "__name__", "é", "\u{1f600}", "x".repeat(200)),
    fc.string({ unit: "grapheme", minLength: 1 }),
  );
  const labels = fc
    .array(fc.tuple(text, fc.oneof(text, fc.constant(""))))
    .map((pairs) => new Map(pairs));
  fc.assert(
    fc.property(fc.array(labels), labels, (sets, over) => {
      const external = Labels.from(over);
      const found = sets.map((set) => JSON.parse(JSON.stringify(Object.fromEntries(set))));
      const want = sets.map((set) => Labels.from([...set, ...external])).sort(compareLabels);
      const got = encodeSeries(found, external);
      assert.deepEqual(got.map(decodeLabels), want);
      for (const [i, { data, start, end }] of got.entries()) {
        const one = encodeLabels(want[i]!);
        assert.deepEqual(data.slice(start, end), one.data.slice(one.start, one.end));
      }
    }),
  );
});
