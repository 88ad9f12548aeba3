// Checksums in WebAssembly memory are those of JavaScript, and buffers come back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChecksumMemory } from "./checksum-memory.ts";
import { crc32c } from "./crc32c.ts";

test("ChecksumMemory.crc32c() is crc32c() at any place and length", () => {
  const memory = new ChecksumMemory(8192, 2);
  const data = memory.take(8000);
  for (let i = 0, x = 1; i < data.length; i++, x = (x * 48271) % 2147483647) data[i] = x;
  const copy = data.slice();
  for (let from = 0; from < 40; from++) {
    for (let length = 0; length < 120; length++) {
      const got = memory.crc32c(data, from, from + length);
      assert.equal(got, crc32c(copy, from, from + length));
    }
  }
  assert.equal(memory.crc32c(data, 1, 7999), crc32c(copy, 1, 7999));
  assert.equal(memory.crc32c(copy, 1, 7999), crc32c(copy, 1, 7999));
});

test("ChecksumMemory.take() gives each buffer once until it is given back", () => {
  const memory = new ChecksumMemory(1 << 16, 2);
  const a = memory.take(100);
  const b = memory.take(1 << 16);
  const own = memory.take(5);
  assert.equal(a.buffer, b.buffer);
  assert.notEqual(a.byteOffset, b.byteOffset);
  assert.notEqual(own.buffer, a.buffer);
  assert.notEqual(memory.take((1 << 16) + 1).buffer, a.buffer);
  memory.give(own);
  memory.give(a);
  assert.equal(memory.take(7).byteOffset, a.byteOffset);
});
