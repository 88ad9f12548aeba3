// Annotations: kept once, with places; numbers as Go prints them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Annotations, formatG, linePosition } from "./annotations.ts";

test("Annotations keeps equal texts once and shows the last place", () => {
  const annotations = new Annotations();
  annotations.warn("odd", { start: 0, end: 1 });
  annotations.warn("odd", { start: 4, end: 5 });
  annotations.info("well", { start: 2, end: 3 });
  annotations.plain("store x is gone");
  assert.deepEqual(annotations.texts("warning", "a +\nb"), [
    "PromQL warning: odd (2:1)",
    "store x is gone",
  ]);
  assert.deepEqual(annotations.texts("info", "a +\nb"), ["PromQL info: well (1:3)"]);
});

test("Annotations sums up forced monotonicity", () => {
  const one = new Annotations();
  const other = new Annotations();
  const seen = {
    minMs: 1000,
    maxMs: 1000,
    minBucket: 0.1,
    maxBucket: 0.5,
    maxDiff: 1e-7,
    count: 1,
  };
  one.forcedMonotonicity("fixed", { start: 0, end: 1 }, seen);
  other.forcedMonotonicity("fixed", { start: 0, end: 1 }, { ...seen, maxMs: 61_000, maxBucket: 5 });
  one.merge(other);
  assert.deepEqual(one.texts("info", "x"), [
    "PromQL info: fixed, from buckets 0.1 to 5, with a max diff of 1e-07, over 2 samples " +
      "from 1970-01-01T00:00:01Z to 1970-01-01T00:01:01Z (1:1)",
  ]);
});

test("formatG() prints as Go's %g", () => {
  const cases: [number, number | undefined, string][] = [
    [0.5, undefined, "0.5"],
    [-0.5, undefined, "-0.5"],
    [1e21, undefined, "1e+21"],
    [123456789, undefined, "1.23456789e+08"],
    [100, undefined, "100"],
    [1e-5, undefined, "1e-05"],
    [0.0001, undefined, "0.0001"],
    [0.000123456, 2, "0.00012"],
    [Number.NaN, undefined, "NaN"],
    [Infinity, undefined, "+Inf"],
    [-0, undefined, "-0"],
  ];
  for (const [value, digits, want] of cases) assert.equal(formatG(value, digits), want);
});

test("linePosition() counts lines and bytes", () => {
  assert.equal(linePosition("ü + b", 4), "1:6");
  assert.equal(linePosition("", 0), "unknown position");
});
