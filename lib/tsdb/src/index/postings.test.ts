// Set operations on postings, and matchers against a brute-force reading of what they mean.
import assert from "node:assert/strict";
import test from "node:test";
import { Matcher, type MatchType } from "@deucalion/model";
import fc from "fast-check";
import { planPostings, runPostingsPlan } from "./match-postings.ts";
import { intersectPostings, mergePostings, subtractPostings } from "./postings.ts";
import type { LabelIndex } from "./postings-table.ts";

const list = fc
  .uniqueArray(fc.nat(300), { maxLength: 200 })
  .map((refs) => Uint32Array.from(refs).sort());
const short = fc
  .uniqueArray(fc.nat(300), { maxLength: 4 })
  .map((refs) => Uint32Array.from(refs).sort());

test("intersect, subtract and merge are those of sets", () => {
  fc.assert(
    fc.property(fc.oneof(list, short), list, list, (a, b, c) => {
      const inB = new Set(b);
      assert.deepEqual(
        [...intersectPostings(a, b)],
        [...a].filter((ref) => inB.has(ref)),
      );
      assert.deepEqual([...intersectPostings(b, a)], [...intersectPostings(a, b)]);
      assert.deepEqual(
        [...subtractPostings(a, b)],
        [...a].filter((ref) => !inB.has(ref)),
      );
      const union = [...new Set([...a, ...b, ...c])].sort((x, y) => x - y);
      assert.deepEqual([...mergePostings([a, b, c])], union);
      assert.deepEqual([...mergePostings([mergePostings([a, b]), c])], union);
    }),
  );
});

const values = ["", "a", "ab", "b", "abc", "c.d", "é", "10", "x"];
const patterns = [
  "",
  "a",
  "a|b",
  "a.*",
  ".*",
  ".+",
  "ab?",
  "(a|x).*",
  "[ab]+",
  "a|",
  "é|10",
  ".*c",
  "(?:ab|c\\.d)",
];
const matcher = fc
  .record({
    type: fc.constantFrom<MatchType>("=", "!=", "=~", "!~"),
    name: fc.constantFrom("l", "m", "none"),
    value: fc.nat(100),
  })
  .map(({ type, name, value }) => {
    const texts = type === "=" || type === "!=" ? values : patterns;
    return new Matcher(type, name, texts[value % texts.length]!);
  });
const series = fc.array(
  fc.record({ l: fc.constantFrom(...values), m: fc.constantFrom(...values) }),
  {
    minLength: 1,
    maxLength: 30,
  },
);

test("a plan selects exactly the series that every matcher matches, an absent label being empty", () => {
  fc.assert(
    fc.property(series, fc.array(matcher, { minLength: 1, maxLength: 3 }), (all, matchers) => {
      const { index, lists, everything } = indexOf(all);
      const plan = planPostings(matchers, index);
      const got = runPostingsPlan(
        plan,
        (entry) => lists[entry]!,
        () => everything,
      );
      const want = all.flatMap((labels, i) =>
        matchers.every((m) => m.matches((labels as Record<string, string>)[m.name] ?? ""))
          ? [i]
          : [],
      );
      assert.deepEqual([...got], want, matchers.join(" "));
    }),
    { numRuns: 1000 },
  );
});

/** A postings table of series with the labels l and m; an empty value is an absent label. */
function indexOf(all: readonly { l: string; m: string }[]): {
  index: LabelIndex;
  lists: Uint32Array[];
  everything: Uint32Array;
} {
  const lists: Uint32Array[] = [];
  const texts: string[] = [];
  const ranges = new Map<string, { from: number; to: number }>();
  for (const name of ["l", "m"] as const) {
    const from = lists.length;
    const sorted = [...new Set(all.map((labels) => labels[name]))].filter((v) => v !== "");
    for (const value of sorted.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      lists.push(Uint32Array.from(all.flatMap((labels, i) => (labels[name] === value ? [i] : []))));
      texts.push(value);
    }
    if (lists.length > from) ranges.set(name, { from, to: lists.length });
  }
  const index: LabelIndex = {
    range: (name) => ranges.get(name) ?? null,
    value: (entry) => texts[entry]!,
  };
  return { index, lists, everything: Uint32Array.from(all.keys()) };
}
