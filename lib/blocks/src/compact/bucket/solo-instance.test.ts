// Where a store cannot share, the second instance is refused, and a silent one is not waited for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { MemoryBucket } from "@deucalion/objstore/testing";
import { never } from "../../testing/conformance.ts";
import { claimSolo } from "./solo-instance.ts";

test("claimSolo() refuses beside a live instance", async () => {
  const bucket = new MemoryBucket();
  let nowMs = 1_000_000;
  const deps = { bucket, now: () => nowMs, log: silentLog };
  const end = await claimSolo("one", 60_000, deps, never);
  await assert.rejects(claimSolo("two", 60_000, deps, never), { code: "BLOCKS_LEASE" });
  await end();
  const again = await claimSolo("two", 60_000, deps, never);
  nowMs += 100_000;
  const third = await claimSolo("three", 60_000, deps, never);
  await third();
  await again();
  assert.equal(await bucket.exists("deucalion/instances/two.json", never), false);
});
