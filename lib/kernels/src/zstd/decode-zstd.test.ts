// Zstandard frames of every kind of block, and frames that lie.
import assert from "node:assert/strict";
import test from "node:test";
import { decodeZstd } from "./decode-zstd.ts";

const magic = [0x28, 0xb5, 0x2f, 0xfd];

function text(data: Uint8Array): string {
  return Buffer.from(data).toString();
}

test("decodeZstd() decodes raw and repeated blocks, several frames, and skips skippable ones", () => {
  const raw = [...magic, 0x20, 3, 0x19, 0, 0, 0x61, 0x62, 0x63];
  const skipped = [0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
  const repeated = [...magic, 0x00, 0x00, 0x23, 0, 0, 0x7a];
  assert.equal(
    text(decodeZstd(Uint8Array.from([...raw, ...skipped, ...repeated]), 100)),
    "abczzzz",
  );
  assert.equal(decodeZstd(new Uint8Array(0), 100).length, 0);
});

test("decodeZstd() decodes Huffman coded literals and sequences", () => {
  const frame =
    "KLUv/QQApQIAIoQOFZDHAdJ2GbNkFP1vpIXbEgnJczfLAa2qxeBhph6CEAu67ERgX3z0zfle+Pix75kVSwPz255YKkjrLQkAgCDIGFgZZAQZi2pl" +
    "qDJClbFCUOkBPz/AQg==";
  const want = [
    ["m2", "65", 934],
    ["m4", "27", 1337],
    ["m0", "68", 4432],
    ["m3", "51", 4888],
  ]
    .map(([name, i, v]) => JSON.stringify({ labels: { __name__: name, i }, v }))
    .join("");
  const data = new Uint8Array(Buffer.from(frame, "base64"));
  assert.equal(text(decodeZstd(data, 1000)), want);
  assert.throws(() => decodeZstd(data, 100), { code: "KERNEL_RANGE" });
  for (let length = 1; length < data.length - 4; length++) {
    assert.throws(() => decodeZstd(data.subarray(0, length), 1000), { code: "KERNEL_BITS" });
  }
});

test("decodeZstd() does not believe a content size or a window", () => {
  const size = [...magic, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01, 0, 0];
  assert.throws(() => decodeZstd(Uint8Array.from(size), 1 << 20), { code: "KERNEL_BITS" });
  const window = [...magic, 0x00, 0xff, 0x01, 0, 0];
  assert.equal(decodeZstd(Uint8Array.from(window), 1 << 20).length, 0);
});
