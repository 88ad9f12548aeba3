// Files of m-mapped head chunks.
//
// Header: BE32 0x0130BC91, version 1, three zero bytes. Entry: BE64 series, BE64 mint, BE64 maxt, encoding byte
// (0x80: out of order), uvarint length, data, BE32 CRC-32C of all before. Files are preallocated: zeros end them.
import { ByteReader, messageOf } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { TsdbError } from "../errors.ts";

/** One chunk in a file; `data` is a view of the file's bytes. */
export interface HeadChunkEntry {
  readonly seriesRef: number;
  /** File number × 2^32 + offset. */
  readonly chunkRef: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  readonly outOfOrder: boolean;
  readonly data: Uint8Array;
}

/** Entries of file number `file`, in order. Throws TSDB_HEAD_CHUNKS at the first that is damaged. */
export function* readHeadChunks(data: Uint8Array, file: number): Iterable<HeadChunkEntry> {
  const damaged = (reason: string, offset: number, cause?: unknown): TsdbError =>
    new TsdbError("TSDB_HEAD_CHUNKS", reason, { file, offset }, { cause });
  const from = new ByteReader(data);
  if (data.length === 0) return;
  if (data.length < 8 || from.u32() !== 0x0130bc91) throw damaged("invalid magic number", 0);
  if (from.u8() !== 1) throw damaged("invalid version of head chunks", 4);
  from.skip(3);
  while (from.left > 0) {
    const start = from.at;
    if (from.left < 25 && data.subarray(start).every((byte) => byte === 0)) return;
    let entry: HeadChunkEntry;
    try {
      const seriesRef = from.u64();
      const minTime = from.i64();
      const maxTime = from.i64();
      if (seriesRef === 0 && minTime === 0 && maxTime === 0) return;
      const flags = from.u8();
      const chunk = from.uvarintBytes();
      const crcAt = from.at;
      if (crc32c(data, start, crcAt) !== from.u32()) throw new Error("checksum mismatch");
      entry = {
        seriesRef,
        chunkRef: file * 4294967296 + start,
        minTime,
        maxTime,
        encoding: flags & 0x7f,
        outOfOrder: (flags & 0x80) !== 0,
        data: chunk,
      };
    } catch (thrown) {
      throw damaged(`head chunk: ${messageOf(thrown)}`, start, thrown);
    }
    yield entry;
  }
}
