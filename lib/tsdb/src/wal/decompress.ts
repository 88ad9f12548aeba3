// Decompresses records, with a limit on what they may become.
import { messageOf } from "@deucalion/base";
import { decodeSnappyBlock, decodeZstd } from "@deucalion/kernels";
import { TsdbError } from "../errors.ts";

/** Largest record after decompression: the size of a segment. */
export const recordBytesMax = 128 * 1024 * 1024;

/** A snappy block, in `memory` if there is enough of it. Throws TSDB_WAL_RECORD. */
export function decompressSnappy(data: Uint8Array, memory?: Uint8Array): Uint8Array {
  return coded("snappy", () => decodeSnappyBlock(data, recordBytesMax, memory));
}

/** Zstandard frames. Throws TSDB_WAL_RECORD. */
export function decompressZstd(data: Uint8Array): Uint8Array {
  return coded("zstd", () => decodeZstd(data, recordBytesMax));
}

function coded(kind: string, decode: () => Uint8Array): Uint8Array {
  try {
    return decode();
  } catch (thrown) {
    const text = `${kind} record: ${messageOf(thrown)}`;
    throw new TsdbError("TSDB_WAL_RECORD", text, {}, { cause: thrown });
  }
}
