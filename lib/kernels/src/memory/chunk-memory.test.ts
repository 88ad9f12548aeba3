// What WebAssembly does in its memory is what JavaScript does: checksums, chunks, and what is wrong with them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { KernelError } from "../errors.ts";
import { crc32c } from "../hash/crc32c.ts";
import { anyStep, anyValueBits } from "../testing/any-sample.ts";
import { TestColumns } from "../testing/mod.ts";
import { decodeXorInto } from "../xor/decode-xor.ts";
import { encodeXor } from "../xor/encode-xor.ts";
import { ChunkMemory } from "./chunk-memory.ts";
import { sourceHash as windowsHash } from "./windows.wasm.ts";
import { sourceHash as xorHash } from "./xor.wasm.ts";

test("ChunkMemory.crc32c() is crc32c() at any place and length", () => {
  const memory = new ChunkMemory({ bufferBytes: 8192, bufferCount: 2 });
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

test("ChunkMemory.take() gives each buffer once until it is given back", () => {
  const memory = new ChunkMemory({ bufferBytes: 1 << 16, bufferCount: 2 });
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

test("modules are made of the sources beside them", () => {
  for (const [name, hash] of [
    ["xor", xorHash],
    ["windows", windowsHash],
  ]) {
    const source = readFileSync(new URL(`../../../assembly/${name}.ts`, import.meta.url));
    assert.equal(createHash("sha256").update(source).digest("hex"), hash);
  }
});

function decoded(decode: (out: TestColumns) => number, out: TestColumns): unknown {
  try {
    const count = decode(out);
    return [count, out.times.slice(0, out.count), out.valueBits.slice(0, 2 * out.count)];
  } catch (thrown) {
    // Which error it is may depend on the bytes behind a chunk that was cut off.
    assert.ok(thrown instanceof KernelError);
    return "error";
  }
}

test("ChunkMemory encodes and decodes XOR chunks as JavaScript does, whole, changed or cut off", () => {
  const memory = new ChunkMemory({
    bufferBytes: 8192,
    bufferCount: 1,
    samples: 600,
    arenaBytes: 8192,
  });
  const input = new TestColumns(1);
  const output = new TestColumns(1);
  memory.columns(200, input);
  memory.columns(400, output);
  assert.equal(input.times.buffer, output.values.buffer);
  assert.notEqual(memory.floats(1).buffer, input.times.buffer);
  const data = memory.take(8192);
  fc.assert(
    fc.property(
      fc.integer({ min: -(10 ** 13), max: 10 ** 13 }),
      fc.array(fc.tuple(anyStep, anyValueBits), { minLength: 1, maxLength: 200 }),
      fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { maxLength: 3 }),
      fc.nat(40),
      (start, list, changes, cut) => {
        let time = start;
        for (const [i, [delta, [low, high]]] of list.entries()) {
          time += i === 0 ? 0 : delta;
          input.times[i] = time;
          input.valueBits[2 * i] = low;
          input.valueBits[2 * i + 1] = high;
        }
        memory.reset();
        const chunk = memory.encodeXor(input.times, input.valueBits, 0, list.length);
        assert.deepEqual(chunk.slice(), encodeXor(input.times, input.valueBits, 0, list.length));
        data.set(chunk, 5);
        let { length } = chunk;
        for (let round = 0; round < 2; round++) {
          output.count = round;
          const wanted = new TestColumns(1);
          wanted.reserve(round);
          for (let i = 0; i < round; i++) wanted.times[i] = output.times[i]!;
          wanted.valueBits.set(output.valueBits.subarray(0, 2 * round));
          wanted.count = round;
          const copy = data.slice(0, 5 + length);
          assert.deepEqual(
            decoded((out) => memory.decodeXorInto(data, 5, length, out), output),
            decoded((out) => decodeXorInto(copy, 5, length, out), wanted),
          );
          for (const [at, byte] of changes) data[5 + (at % length)] = byte;
          length = Math.max(1, length - cut);
        }
      },
    ),
    { numRuns: 1500 },
  );
});
