import assert from "node:assert/strict";
import { test } from "node:test";
import { loadXxhash64 } from "@deucalion/kernels";
import { groupOffsetMs, slotBefore } from "./group-slot.ts";

test("groupOffsetMs() spreads groups within their interval, the same each time", async () => {
  const hash = await loadXxhash64();
  const offsets = Array.from({ length: 200 }, (_, i) =>
    groupOffsetMs("f.yml", `g${i}`, 60_000, hash),
  );
  assert.ok(offsets.every((offset) => offset >= 0 && offset < 60_000));
  const quarters = [0, 0, 0, 0];
  for (const offset of offsets) quarters[Math.floor(offset / 15_000)]!++;
  assert.ok(
    quarters.every((count) => count > 25),
    String(quarters),
  );
  assert.equal(offsets[7], groupOffsetMs("f.yml", "g7", 60_000, hash));
});

test("slotBefore() is the last slot at or before a time", () => {
  assert.equal(slotBefore(125_000, 5_000, 60_000), 125_000);
  assert.equal(slotBefore(124_999, 5_000, 60_000), 65_000);
  assert.equal(slotBefore(3_000, 5_000, 60_000), -55_000);
});
