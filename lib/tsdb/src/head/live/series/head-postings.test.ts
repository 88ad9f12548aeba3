// Postings of a head against sets: series come and go, with labels in common and of any length.
import assert from "node:assert/strict";
import test from "node:test";
import { encodeLabels, Labels, Matcher } from "@deucalion/model";
import fc from "fast-check";
import { HeadPostings } from "./head-postings.ts";

const value = fc.oneof(
  fc.constantFrom("a", "b", "ab", "longer value", "longer valuf"),
  fc.constantFrom("x".repeat(130), "y".repeat(130), `${"x".repeat(129)}y`),
  fc.string({ minLength: 1, maxLength: 6 }),
);
const labels = fc.dictionary(fc.constantFrom("__name__", "job", "le", "pod", "zone"), value, {
  minKeys: 1,
});
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: labels.map((add) => ({ add })) },
    { weight: 1, arbitrary: fc.nat(20).map((remove) => ({ remove })) },
  ),
  { maxLength: 60 },
);

test("HeadPostings finds the series that have a label, and no others", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const postings = new HeadPostings();
      const known = new Map<number, Labels>();
      let next = 0;
      for (const step of all) {
        if ("add" in step) {
          known.set(next, Labels.from(step.add));
          postings.add(next, encodeLabels(known.get(next)!));
          next++;
          continue;
        }
        const gone = [...known.keys()][step.remove];
        if (gone === undefined) continue;
        postings.remove(new Set([gone]), () => encodeLabels(known.get(gone)!));
        known.delete(gone);
      }
      const pairs = new Map<string, number[]>();
      for (const [series, has] of known) {
        for (const [name, text] of has) {
          const key = JSON.stringify([name, text]);
          pairs.set(key, [...(pairs.get(key) ?? []), series]);
        }
      }
      assert.equal(postings.pairCount, pairs.size);
      for (const [key, series] of pairs) {
        const [name, text] = JSON.parse(key) as [string, string];
        const found = postings.select([new Matcher("=", name, text)], () => new Uint32Array(0));
        assert.deepEqual([...found], series, key);
      }
    }),
    { numRuns: 300 },
  );
});
