// Numbers as Go prints them.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { formatGoFloat } from "./format-float.ts";

test("formatGoFloat() prints as Prometheus does", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [-1.5, "-1.5"],
    [1e-6, "0.000001"],
    [1e-7, "1e-07"],
    [-1.25e-7, "-1.25e-07"],
    [5e-324, "5e-324"],
    [123456789012345680000, "123456789012345680000"],
    [1e21, "1e+21"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ];
  for (const [value, text] of cases) assert.equal(formatGoFloat(value), text);
});

test("formatGoFloat() reads back as the same number", () => {
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
      assert.ok(Object.is(Number(formatGoFloat(value)), value));
    }),
  );
});
