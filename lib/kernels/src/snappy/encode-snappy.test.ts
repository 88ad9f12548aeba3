// Our compressor against two decoders.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uncompress } from "snappyjs";
import { SnappyEncoder, snappyBytesMax } from "./encode-snappy.ts";
import { decodeSnappyBlock } from "./snappy-block.ts";

/** Bytes with repetitions near and far. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 60 })), {
    maxLength: 40,
  })
  .map((parts) =>
    parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => [...bytes]).flat()),
  )
  .map((bytes) => Uint8Array.from(bytes.slice(0, 65_536)));

test("blocks decode to what they were made of", () => {
  const encoder = new SnappyEncoder();
  fc.assert(
    fc.property(
      fc.oneof(repetitive, fc.uint8Array({ maxLength: 2000 })),
      fc.nat(50),
      (plain, before) => {
        const data = new Uint8Array(before + plain.length);
        data.set(plain, before);
        const out = new Uint8Array(snappyBytesMax(plain.length) + 7);
        const end = encoder.encodeInto(data, before, data.length, out, 7);
        const block = out.subarray(7, end);
        assert.deepEqual(decodeSnappyBlock(block, 65_536), plain);
        assert.deepEqual(uncompress(block), plain);
      },
    ),
    { numRuns: 300 },
  );
});

test("long runs and the largest block", () => {
  const encoder = new SnappyEncoder();
  for (const length of [
    0, 1, 15, 16, 17, 60, 61, 64, 65, 66, 67, 68, 69, 256, 257, 65_535, 65_536,
  ]) {
    const plain = new Uint8Array(length).map((_, i) => i >> 11);
    const out = new Uint8Array(snappyBytesMax(length));
    const end = encoder.encodeInto(plain, 0, length, out, 0);
    assert.deepEqual(decodeSnappyBlock(out.subarray(0, end), 65_536), plain);
  }
});
