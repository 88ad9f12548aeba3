import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGoFloat } from "./parse-float.ts";

test("parseGoFloat() takes what Go takes", () => {
  const wanted: Readonly<Record<string, number>> = {
    "0x1p4": 16,
    "0x1.8p3": 12,
    "-0X.8p1": -1,
    "1_000": 1000,
    "+5": 5,
    "1.": 1,
    ".5": 0.5,
    "1E3": 1000,
    "017": 17,
    "1e-400": 0,
    inf: Number.POSITIVE_INFINITY,
    "-Infinity": Number.NEGATIVE_INFINITY,
    nan: Number.NaN,
  };
  for (const [text, value] of Object.entries(wanted)) {
    assert.ok(Object.is(parseGoFloat(text), value), text);
  }
});

test("parseGoFloat() refuses what Go refuses", () => {
  const refused = ["", ".", "0x10", "1__0", "1_", "_1", " 5", "5 ", "1e", "0b11", "0o17", "1e400"];
  for (const text of [...refused, "0x", "0x1p", "0xp1", "infs", "-nan", "0x1p2000"]) {
    assert.equal(parseGoFloat(text), null, text);
  }
});
