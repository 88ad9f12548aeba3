// XXH64 against known values.
import assert from "node:assert/strict";
import test from "node:test";
import { loadXxhash64 } from "./xxhash64.ts";

test("hash() and hex() give the published values, of ranges too", async () => {
  const xxhash = await loadXxhash64();
  const text = new TextEncoder().encode("xabcx");
  assert.equal(xxhash.hex(new Uint8Array(0)), "ef46db3751d8e999");
  assert.equal(xxhash.hex(text, 1, 4), "44bc2cf5ad770999");
  xxhash.hash(text, 1, 4);
  assert.deepEqual([xxhash.high, xxhash.low], [0x44bc2cf5, 0xad770999]);
});
