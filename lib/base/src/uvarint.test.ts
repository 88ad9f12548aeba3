// Lengths and bytes of unsigned LEB128, against the reader.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ByteReader } from "./byte-reader.ts";
import { putUvarint, uvarintLength } from "./uvarint.ts";

const number = fc.oneof(
  fc.nat(300),
  fc
    .integer({ min: 0, max: 52 })
    .chain((bits) => fc.integer({ min: 2 ** bits - 1, max: 2 ** bits })),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);

test("putUvarint() writes what is read back, in as many bytes as uvarintLength() says", () => {
  fc.assert(
    fc.property(number, fc.nat(3), (value, at) => {
      const out = new Uint8Array(16);
      const end = putUvarint(out, at, value);
      assert.equal(end - at, uvarintLength(value));
      const reader = new ByteReader(out, at, end);
      assert.equal(reader.uvarint(), value);
      assert.equal(reader.left, 0);
    }),
    { numRuns: 500 },
  );
});
