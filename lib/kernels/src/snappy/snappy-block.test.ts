// Snappy blocks: elements of each kind, and sizes that lie.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { decodeSnappyBlock } from "./snappy-block.ts";

test("decodeSnappyBlock() decodes literals and copies of every kind", () => {
  const literal = [0x0c, 0x61, 0x62, 0x63, 0x64]; // abcd
  const copy1 = [0x01, 4]; // four bytes, four back
  const copy2 = [((6 - 1) << 2) | 2, 2, 0]; // six bytes, two back
  const copy4 = [((3 - 1) << 2) | 3, 1, 0, 0, 0]; // three bytes, one back
  const data = Uint8Array.of(17, ...literal, ...copy1, ...copy2, ...copy4);
  assert.equal(Buffer.from(decodeSnappyBlock(data, 100)).toString(), "abcdabcdcdcdcdddd");
  const long = new Uint8Array(2 + 3 + 300);
  long.set([0xac, 2, (61 << 2) | 0, 43, 1]);
  assert.equal(decodeSnappyBlock(long, 1000).length, 300);
});

test("decodeSnappyBlock() refuses what is malformed or too large", () => {
  const cases: [number[], string][] = [
    [[], "KERNEL_BITS"],
    [[0x80, 0x80, 0x80, 0x80, 0x80], "KERNEL_BITS"],
    [[4, 0x0c, 1], "KERNEL_BITS"],
    [[4, 0x01, 1], "KERNEL_BITS"],
    [[4], "KERNEL_BITS"],
    [[1, 0x0c, 1, 2, 3, 4], "KERNEL_BITS"],
    [[0xff, 0xff, 0xff, 0x7f, 0], "KERNEL_RANGE"],
    [[100, 0x0c, 1, 2, 3, 4], "KERNEL_BITS"],
  ];
  for (const [bytes, code] of cases) {
    assert.throws(() => decodeSnappyBlock(Uint8Array.from(bytes), 1 << 20), { code });
  }
  assert.throws(() => decodeSnappyBlock(Uint8Array.of(4, 0x0c, 1, 2, 3, 4), 3), {
    code: "KERNEL_RANGE",
  });
});

/** Elements of a block and what they stand for: literals, and copies from `back` (at most what is there) bytes ago. */
const elements = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 150 }).map((literal) => ({ literal })),
    fc.record({ back: fc.integer({ min: 1, max: 3000 }), length: fc.integer({ min: 1, max: 64 }) }),
  ),
  { maxLength: 60 },
);

test("decodeSnappyBlock() decodes any elements, byte for byte", () => {
  fc.assert(
    fc.property(elements, fc.nat(3), fc.nat(9), (parts, kind, before) => {
      const plain: number[] = [];
      const packed: number[] = [];
      for (const part of parts) {
        if ("literal" in part) {
          const { literal } = part;
          if (literal.length <= 60) packed.push((literal.length - 1) << 2);
          else packed.push(60 << 2, literal.length - 1);
          packed.push(...literal);
          plain.push(...literal);
          continue;
        }
        if (plain.length === 0) continue;
        const offset = Math.min(part.back, plain.length);
        let { length } = part;
        if (kind === 1 && offset < 2048) {
          length = 4 + (length & 7);
          packed.push(((offset >>> 8) << 5) | ((length - 4) << 2) | 1, offset & 255);
        } else {
          packed.push(((length - 1) << 2) | (kind === 3 ? 3 : 2), offset & 255, offset >>> 8);
          if (kind === 3) packed.push(0, 0);
        }
        for (let i = 0; i < length; i++) plain.push(plain[plain.length - offset]!);
      }
      const size = plain.length;
      const block = [(size & 127) | 128, ((size >>> 7) & 127) | 128, size >>> 14, ...packed];
      const data = new Uint8Array(before + block.length);
      data.set(block, before);
      assert.deepEqual(decodeSnappyBlock(data.subarray(before), 1 << 20), Uint8Array.from(plain));
    }),
    { numRuns: 300 },
  );
});
