// Checksums of bytes in a pool against their twins; memory that comes and goes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { crc32c } from "../hash/crc32c.ts";
import { loadXxhash64 } from "../hash/xxhash64.ts";
import { BytePool } from "./byte-pool.ts";

const kernels = join(dirname(fileURLToPath(import.meta.url)), "../../..");

test("checksums in the pool equal those of plain TypeScript and of the library", async () => {
  const pool = new BytePool(1 << 20);
  const library = await loadXxhash64();
  const hash = pool.hasher(library);
  const memory = pool.take(5000)!;
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300, size: "max" }),
      fc.nat(40),
      fc.nat(40),
      (data, at, cut) => {
        memory.set(data, at);
        const end = at + Math.max(0, data.length - cut);
        const copy = memory.slice(at, end);
        assert.equal(pool.crc32c(memory, at, end), crc32c(copy));
        assert.equal(pool.crc32c(copy, 0, copy.length), crc32c(copy));
        assert.equal(hash.hex(memory, at, end), library.hex(copy));
        assert.equal(hash.hex(copy), library.hex(copy));
      },
    ),
    { numRuns: 500 },
  );
});

test("memory is handed out once, and again after it was given back; joined with what is free beside it", () => {
  const pool = new BytePool(160 << 10);
  const ten = Array.from({ length: 10 }, () => pool.take(16 << 10)!);
  assert.equal(new Set(ten.map((data) => data.byteOffset)).size, 10);
  assert.equal(pool.take(1), undefined);
  for (const i of [3, 5, 4, 9, 8]) pool.give(ten[i]!);
  pool.give(ten[4]!);
  const three = pool.take(40_000)!;
  assert.equal(three.byteOffset, ten[3]!.byteOffset);
  assert.equal(pool.take(48_000), undefined);
  assert.equal(pool.take(30_000)!.byteOffset, ten[8]!.byteOffset);
  pool.give(new Uint8Array(10));
  assert.equal(pool.take(1), undefined);
});

test("copies are the same within the pool and across its border", () => {
  const pool = new BytePool(64 << 10);
  const [a, b, own] = [pool.take(100)!, pool.take(100)!, new Uint8Array(100)];
  for (let i = 0; i < 100; i++) a[i] = i;
  pool.copy(b, 10, a, 20, 50);
  pool.copy(own, 10, b, 10, 40);
  assert.deepEqual([...own.subarray(10, 40)], [...a.subarray(20, 50)]);
  assert.throws(() => pool.copy(b, 80, a, 20, 50), RangeError);
  assert.throws(() => pool.copy(b, 0, a, 80, 101), RangeError);
});

test("no two that are lent overlap, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 90_000 }), fc.nat(20))), (steps) => {
      const pool = new BytePool(512 << 10);
      const lent: Uint8Array[] = [];
      for (const [length, index] of steps) {
        if (index < 8) {
          const gone = lent.splice(index, 1)[0];
          if (gone !== undefined) pool.give(gone);
          continue;
        }
        const data = pool.take(length);
        if (data === undefined) continue;
        for (const other of lent)
          assert.ok(
            other.byteOffset + other.length <= data.byteOffset ||
              data.byteOffset + data.length <= other.byteOffset,
          );
        lent.push(data);
      }
      for (const data of lent) pool.give(data);
      assert.notEqual(pool.take(512 << 10), undefined);
    }),
  );
});

test("a pool whose memory is not given back starts anew, and the old memory stays as it is", () => {
  const pool = new BytePool(64 << 10);
  const kept = pool.take(32 << 10)!;
  kept.fill(7);
  pool.abandon(kept);
  const next = pool.take(64 << 10)!;
  next.fill(9);
  assert.ok(kept.every((byte) => byte === 7));
  assert.equal(pool.crc32c(kept, 0, 100), crc32c(new Uint8Array(100).fill(7)));
});

test("the committed modules are those of the committed sources", async () => {
  for (const file of readdirSync(join(kernels, "assembly"))) {
    const source = readFileSync(join(kernels, "assembly", file));
    const name = file.replace(/\.ts$/, ".wasm.ts");
    const made = readFileSync(join(kernels, "src/memory", name), "utf8");
    assert.ok(made.includes(createHash("sha256").update(source).digest("hex")), name);
  }
});
