// Snappy blocks: elements of each kind, and sizes that lie.
import assert from "node:assert/strict";
import test from "node:test";
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
