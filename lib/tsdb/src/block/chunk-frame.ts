// Chunks within a segment: uvarint data length, encoding byte, data, BE32 CRC-32C of encoding and data.
// Segment header: BE32 0x85BD40DD, version 1, three zero bytes.
import type { ByteWriter } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { TsdbError } from "../errors.ts";

export const segmentMagic = 0x85bd40dd;
export const segmentHeaderBytes = 8;
/** Bytes of a frame beside the data: length (up to 5), encoding, checksum. */
export const chunkFrameBytesMax = 10;

/** Checks the first eight bytes of a chunk segment. Throws TSDB_SEGMENT_HEADER. */
export function checkSegmentHeader(data: Uint8Array): void {
  if (data.length < segmentHeaderBytes) {
    throw new TsdbError("TSDB_SEGMENT_HEADER", "chunk segment is too short", {
      length: data.length,
    });
  }
  const magic = new DataView(data.buffer, data.byteOffset).getUint32(0);
  if (magic !== segmentMagic) {
    const text = `invalid magic number ${magic.toString(16)}`;
    throw new TsdbError("TSDB_SEGMENT_HEADER", text, { magic });
  }
  if (data[4] !== 1) {
    throw new TsdbError("TSDB_SEGMENT_HEADER", `invalid chunk format version ${data[4]}`, {
      version: data[4],
    });
  }
}

/** The header of a new segment. */
export function encodeSegmentHeader(): Uint8Array {
  return Uint8Array.of(0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0);
}

/** One frame, decoded into memory that is reused. Offsets are those of the buffer that was read. */
export class ChunkFrame {
  encoding = 0;
  /** Start and length of the chunk's data, without encoding byte. */
  offset = 0;
  length = 0;

  /**
   * Reads the frame at `at` of `data` and checks its checksum. Returns the bytes it takes, or, if `data` ends too early,
   * minus the bytes it needs at least. Throws TSDB_CHUNK_CHECKSUM or TSDB_CHUNK_DATA.
   */
  read(data: Uint8Array, at: number): number {
    let to = at;
    let length = 0;
    let scale = 1;
    for (;;) {
      if (to >= data.length) return -chunkFrameBytesMax;
      const byte = data[to++]!;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (to - at === 5) {
        throw new TsdbError("TSDB_CHUNK_DATA", "chunk length is not a varint of 32 bits", { at });
      }
    }
    const end = to + 1 + length;
    if (end + 4 > data.length) return -(end + 4 - at);
    const got = crc32c(data, to, end);
    const want =
      ((data[end]! << 24) | (data[end + 1]! << 16) | (data[end + 2]! << 8) | data[end + 3]!) >>> 0;
    if (got !== want) {
      const text = `checksum mismatch expected:${hex(want)}, actual:${hex(got)}`;
      throw new TsdbError("TSDB_CHUNK_CHECKSUM", text, { at, want, got });
    }
    this.encoding = data[to]!;
    this.offset = to + 1;
    this.length = length;
    return end + 4 - at;
  }
}

function hex(value: number): string {
  return value.toString(16);
}

/** Appends one frame to `out` and returns its size. */
export function appendChunkFrame(out: ByteWriter, encoding: number, data: Uint8Array): number {
  const before = out.length;
  out.uvarint(data.length);
  const start = out.length;
  out.u8(encoding);
  out.bytes(data);
  out.u32(crc32c(out.data, start, out.length));
  return out.length - before;
}
