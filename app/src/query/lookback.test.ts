import assert from "node:assert/strict";
import { test } from "node:test";
import { lookbackFor } from "./lookback.ts";
import { parseBool, parseDuration, parseLimit, parseTime } from "./parse-value.ts";

test("lookbackFor() grows with the resolution asked for", () => {
  const minute = 60_000;
  assert.equal(lookbackFor(0, true, 0), 0);
  assert.equal(lookbackFor(0, true, 1), 5 * minute);
  assert.equal(lookbackFor(0, true, 5 * minute), 5 * minute);
  assert.equal(lookbackFor(0, true, 5 * minute + 1), 60 * minute);
  assert.equal(lookbackFor(10 * minute, true, 5 * minute), 10 * minute);
  assert.equal(lookbackFor(10 * minute, true, 60 * minute), 60 * minute);
  assert.equal(lookbackFor(0, false, 60 * minute), 0);
});

test("parseTime() reads unix seconds and RFC 3339", () => {
  assert.equal(parseTime("1704160022.6504"), 1_704_160_022_650);
  assert.equal(parseTime("-1.5"), -1500);
  assert.equal(parseTime("2024-01-02T01:05:00.5Z"), 1_704_157_500_500);
  assert.equal(parseTime("2024-01-02T01:05:00.123456789+02:00"), 1_704_150_300_123);
  for (const text of [
    "",
    "x",
    "2024-01-02",
    "Inf",
    "2024-02-30T00:00:00Z",
    "2024-01-02T24:00:00Z",
  ]) {
    assert.throws(() => parseTime(text), {
      message: `cannot parse ${JSON.stringify(text)} to a valid timestamp`,
    });
  }
});

test("parseDuration(), parseBool() and parseLimit() read what Go reads", () => {
  assert.equal(parseDuration("1.5"), 1500);
  assert.equal(parseDuration("1h30m"), 5_400_000);
  assert.equal(Math.trunc(parseDuration("33.3")), 33_299);
  assert.throws(() => parseDuration("1e30"), /overflows/);
  assert.equal(parseBool("T", "x", false), true);
  assert.equal(parseBool("", "x", true), true);
  assert.throws(() => parseBool("yes", "x", true), /ParseBool/);
  assert.equal(parseLimit("+5"), 5);
  assert.throws(() => parseLimit("1.5"), /valid limit/);
});
