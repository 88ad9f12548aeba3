// Completed labels against sets of strings, and that they stay what they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLabels, encodeLabels, type LabelBytes, Labels } from "@deucalion/model";
import fc from "fast-check";
import { LabelCompleter } from "./complete-labels.ts";

const name = fc.constantFrom("A", "__name__", "a", "ab", "cluster", "job", "replica", "é", "z");
const value = fc.oneof(
  fc.constantFrom("1", "x", "longer than one byte of length ".repeat(6)),
  fc.string({ minLength: 1, maxLength: 5, unit: "grapheme" }),
);
const labelSet = fc.dictionary(name, value, { maxKeys: 6 }).map((record) => Labels.from(record));

test("LabelCompleter sets external labels and leaves names out, in buffers of many series", () => {
  fc.assert(
    fc.property(
      fc.array(labelSet, { maxLength: 30 }),
      labelSet,
      fc.subarray(["replica", "job", "é"]),
      fc.boolean(),
      (all, external, without, overridden) => {
        const completer = new LabelCompleter(external, without, overridden);
        const given: { labels: LabelBytes; bound: LabelBytes }[] = [];
        const scratch = new Uint8Array(4096);
        for (const own of all) {
          const bytes = encodeLabels(own);
          scratch.set(bytes.data, 7);
          given.push(completer.complete({ data: scratch, start: 7, end: 7 + bytes.end }));
          scratch.fill(0xff);
        }
        all.forEach((own, i) => {
          const want = Labels.from(
            Object.fromEntries([...own, ...external].filter(([key]) => !without.includes(key))),
          );
          const { labels, bound } = given[i]!;
          assert.equal(decodeLabels(labels).key, want.key);
          const whole = encodeLabels(want);
          assert.deepEqual(
            labels.data.slice(labels.start, labels.end),
            whole.data.slice(whole.start, whole.end),
          );
          assert.equal(bound.start, labels.start);
          assert.ok(bound.end >= bound.start && bound.end <= labels.end);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test("LabelCompleter begins another buffer when one is full, for long labels too", () => {
  const external = Labels.from({ cluster: "eu" });
  const completer = new LabelCompleter(external, [], false);
  const given = Array.from({ length: 40 }, (_, i) => {
    const own = Labels.from({ a: String(i), text: "y".repeat(i === 20 ? 200_000 : 5000) });
    return { own, ...completer.complete(encodeLabels(own)) };
  });
  assert.ok(new Set(given.map(({ labels }) => labels.data)).size >= 4);
  for (const { own, labels } of given) {
    assert.equal(decodeLabels(labels).key, own.with("cluster", "eu").key);
  }
});
