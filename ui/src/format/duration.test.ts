// Tests of durations.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { elapsed, formatDurationMs, parseDurationMs } from "./duration.ts";

test("parseDurationMs() reads Prometheus durations and plain seconds", () => {
  const cases: ReadonlyArray<readonly [string, number | null]> = [
    ["1h", 3_600_000],
    ["1h30m", 5_400_000],
    ["1d12h", 129_600_000],
    ["90", 90_000],
    ["0.5", 500],
    ["1.5s", 1500],
    ["250ms", 250],
    ["", null],
    ["0s", null],
    ["h", null],
    ["5x", null],
    ["30m1h", null],
  ];
  assert.deepEqual(
    cases.map(([text]) => parseDurationMs(text)),
    cases.map(([, ms]) => ms),
  );
});

test("formatDurationMs() writes what parseDurationMs() reads", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (ms) => {
      assert.equal(parseDurationMs(formatDurationMs(ms)), ms);
    }),
  );
  assert.deepEqual([5_400_000, 90 * 86_400_000, 14 * 86_400_000, 1500].map(formatDurationMs), [
    "1h30m",
    "90d",
    "2w",
    "1s500ms",
  ]);
});

test("elapsed() uses at most two units", () => {
  assert.deepEqual([0, 0.25, 182, 1234, 34_560, 200_000, 3_600_000, 90_061_000].map(elapsed), [
    "0 ms",
    "0.25 ms",
    "182 ms",
    "1.23 s",
    "34.6 s",
    "3m 20s",
    "1h",
    "1d 1h",
  ]);
});
