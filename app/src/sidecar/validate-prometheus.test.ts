// What the sidecar makes of Prometheus' flags before it uploads.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Log, silentLog } from "@deucalion/base";
import { validatePrometheus } from "./validate-prometheus.ts";

const setup = {
  tsdbPath: "/data",
  metaFileName: "thanos.shipper.json",
  ignoreUnequalBlockSize: false,
};

function check(flags: Record<string, string>, ignoreUnequalBlockSize = false): string[] {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => warnings.push(message) };
  validatePrometheus(flags, { ...setup, ignoreUnequalBlockSize }, log);
  return warnings;
}

const durations = (min: string, max: string) => ({
  "storage.tsdb.min-block-duration": min,
  "storage.tsdb.max-block-duration": max,
});

test("validatePrometheus() takes a server that does not compact", () => {
  assert.deepEqual(check(durations("2h", "2h")), []);
  assert.equal(check(durations("1h", "1h")).length, 1);
  assert.equal(check({}).length, 1);
});

test("validatePrometheus() explains what to do about compaction", () => {
  assert.throws(() => check(durations("2h", "1d12h")), {
    code: "APP_CONFIG",
    message: /min block duration 2h, max 1d12h.*max-block-duration=2h.*delay-compact-file/,
  });
  assert.equal(check(durations("2h", "1d12h"), true).length, 1);
});

test("validatePrometheus() takes compaction that waits for the same file", () => {
  const delayed = (path: string) => ({
    ...durations("2h", "1d12h"),
    "storage.tsdb.delay-compact-file.path": path,
  });
  assert.deepEqual(check(delayed("/data/./thanos.shipper.json")), []);
  assert.throws(() => check(delayed("/other/thanos.shipper.json")), /must be the same path/);
});
