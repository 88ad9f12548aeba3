// Tests of numbers and labels as text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeRegex, formatLabels } from "./labels.ts";
import { count, formatBytes, parseSample, shortNumber } from "./number.ts";

test("shortNumber() uses SI prefixes and names what is not a number", () => {
  assert.deepEqual(
    [0, 1, 999, 1500, 2_500_000, 0.25, 0.0025, -1500, 1e-30, Number.NaN, -Infinity].map((n) =>
      shortNumber(n),
    ),
    ["0", "1", "999", "1.5k", "2.5M", "0.25", "2.5m", "-1.5k", "1.00e-30", "NaN", "-Inf"],
  );
});

test("count(), formatBytes(), parseSample()", () => {
  assert.deepEqual(
    [count(48_211), formatBytes(1536), formatBytes(12)],
    ["48,211", "1.5 KiB", "12 B"],
  );
  assert.deepEqual(["1.5", "+Inf", "-Inf", "NaN", "1e3"].map(parseSample), [
    1.5,
    Infinity,
    -Infinity,
    Number.NaN,
    1000,
  ]);
});

test("formatLabels() quotes what is not an identifier and escapes values", () => {
  assert.deepEqual(
    [
      formatLabels({ __name__: "up" }),
      formatLabels({ __name__: "up", job: "a", instance: 'x"y\\z\n' }),
      formatLabels({ b: "2", a: "1" }),
      formatLabels({ __name__: "my metric", "my label": "v" }),
      formatLabels({}),
    ],
    [
      "up",
      'up{instance="x\\"y\\\\z\\n", job="a"}',
      '{a="1", b="2"}',
      '{"my metric", "my label"="v"}',
      "{}",
    ],
  );
  assert.equal(escapeRegex("a.b(c)[d]"), "a\\.b\\(c\\)\\[d\\]");
});
