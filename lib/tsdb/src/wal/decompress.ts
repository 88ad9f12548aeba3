// Decompresses records, with a limit on what they may become.

import { messageOf } from "@deucalion/base";
import { decodeSnappyBlock } from "@deucalion/kernels";
import { Decompress } from "fzstd";
import { TsdbError } from "../errors.ts";

/** Largest record after decompression: the size of a segment. */
export const recordBytesMax = 128 * 1024 * 1024;

/** A snappy block. Throws TSDB_WAL_RECORD. */
export function decompressSnappy(data: Uint8Array): Uint8Array {
  try {
    return decodeSnappyBlock(data, recordBytesMax);
  } catch (thrown) {
    const text = `snappy record: ${messageOf(thrown)}`;
    throw new TsdbError("TSDB_WAL_RECORD", text, {}, { cause: thrown });
  }
}

/** A zstd frame. Throws TSDB_WAL_RECORD. */
export function decompressZstd(data: Uint8Array): Uint8Array {
  checkZstdHeader(data);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    const stream = new Decompress((part) => {
      size += part.length;
      if (size > recordBytesMax) throw new Error("record grows past the size of a segment");
      parts.push(part.slice());
    });
    stream.push(data, true);
  } catch (thrown) {
    const text = `zstd record: ${messageOf(thrown)}`;
    throw new TsdbError("TSDB_WAL_RECORD", text, {}, { cause: thrown });
  }
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The header says how much memory a decoder allocates at once; refuse more than a record can need. */
function checkZstdHeader(data: Uint8Array): void {
  const bad = (): TsdbError => new TsdbError("TSDB_WAL_RECORD", "zstd record has a bad header", {});
  if (
    data.length < 6 ||
    data[0] !== 0x28 ||
    data[1] !== 0xb5 ||
    data[2] !== 0x2f ||
    data[3] !== 0xfd
  )
    throw bad();
  const descriptor = data[4]!;
  const single = (descriptor & 0x20) !== 0;
  let at = 5;
  if (!single) {
    const window = data[at++]!;
    const base = 2 ** (10 + (window >>> 3));
    if (base + (base / 8) * (window & 7) > recordBytesMax) throw bad();
  }
  at += [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  if (at + sizeBytes > data.length) throw bad();
  let size = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + data[at + i]!;
  if (size > recordBytesMax) throw bad();
}
