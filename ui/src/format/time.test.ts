// Tests of times in zones.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ago, formatTime, parseTime, zoneExists, zoneOffsetMs } from "./time.ts";

const at = Date.UTC(2026, 7, 3, 10, 42, 15);

test("formatTime() writes wall-clock time of the zone, half-hour zones too", () => {
  assert.deepEqual(
    ["UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York"].map((z) => formatTime(at, z)),
    ["2026-08-03 10:42:15", "2026-08-03 16:12:15", "2026-08-03 12:42:15", "2026-08-03 06:42:15"],
  );
  assert.equal(formatTime(at + 7, "UTC", true), "2026-08-03 10:42:15.007");
  assert.equal(formatTime(Number.NaN, "UTC"), "–");
});

test("formatTime() writes midnight as 00, not 24", () => {
  assert.equal(formatTime(Date.UTC(2026, 0, 1), "UTC"), "2026-01-01 00:00:00");
});

test("parseTime() reads the forms that links and people use", () => {
  assert.deepEqual(
    [
      parseTime("2026-08-03 10:42:15", "UTC"),
      parseTime("2026-08-03 10:42", "UTC"),
      parseTime("2026-08-03T10:42:15Z", "Asia/Kolkata"),
      parseTime("2026-08-03 16:12:15", "Asia/Kolkata"),
      parseTime("1785753735", "UTC"),
      parseTime("2026-02-30", "UTC"),
      parseTime("yesterday", "UTC"),
    ],
    [at, at - 15_000, at, at, 1_785_753_735_000, null, null],
  );
});

test("parseTime() reads what formatTime() writes, but for the hour that a clock change doubles", () => {
  const zones = fc.constantFrom("UTC", "Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), zones, (seconds, zone) => {
      const ms = seconds * 1000;
      const back = parseTime(formatTime(ms, zone), zone);
      assert.ok(back !== null);
      if (zoneOffsetMs(ms - 7_200_000, zone) === zoneOffsetMs(ms + 7_200_000, zone)) {
        assert.equal(back, ms);
      } else assert.ok(Math.abs(back - ms) <= 3_600_000);
    }),
    { numRuns: 300 },
  );
});

test("ago() and zoneExists()", () => {
  assert.deepEqual(
    [ago(at, at), ago(at - 12_000, at), ago(at - 7_200_000, at), ago(at + 60_000, at)],
    ["now", "12 s ago", "2 h ago", "in 1 min"],
  );
  assert.deepEqual([zoneExists("Europe/Berlin"), zoneExists("Mars/Olympus")], [true, false]);
});
