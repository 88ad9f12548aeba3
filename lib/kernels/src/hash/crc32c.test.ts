// CRC-32C against known values and its own pieces.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { crc32c } from "./crc32c.ts";

test("crc32c() gives the published values", () => {
  assert.equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

test("crc32c() of pieces equals that of the whole", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (data, cut) => {
      const at = Math.min(cut, data.length);
      assert.equal(crc32c(data, at, data.length, crc32c(data, 0, at)), crc32c(data));
    }),
  );
});
