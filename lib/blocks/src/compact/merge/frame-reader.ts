// Takes a chunk's frame apart where it lies: uvarint length, encoding, data, CRC-32C of encoding and data.
import { TsdbError } from "@deucalion/tsdb";

/** Bytes of a frame beside the data, at most. */
const frameBytesMax = 10;

/** CRC-32C of `data[start, end)`. */
export type Checksum = (data: Uint8Array, start: number, end: number) => number;

/** One frame at a time, as `ChunkFrame` reads them, with a checksum that may be computed elsewhere. */
export class FrameReader {
  readonly #checksum: Checksum;
  encoding = 0;
  /** Start and length of the chunk's data, without encoding byte, in the buffer that was read. */
  offset = 0;
  length = 0;

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
  }

  /**
   * Reads the frame at `at` of `data` and checks its checksum. Returns the bytes it takes, or, if `data` ends too early,
   * minus the bytes it needs at least. Throws TSDB_CHUNK_CHECKSUM or TSDB_CHUNK_DATA.
   */
  read(data: Uint8Array, at: number): number {
    let to = at;
    let length = 0;
    for (let scale = 1; ; scale *= 128) {
      if (to >= data.length) return -frameBytesMax;
      if (to - at === 5) {
        throw new TsdbError("TSDB_CHUNK_DATA", "chunk length is not a varint of 32 bits", { at });
      }
      const byte = data[to++]!;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    const end = to + 1 + length;
    if (end + 4 > data.length) return -(end + 4 - at);
    const got = this.#checksum(data, to, end);
    const want =
      ((data[end]! << 24) | (data[end + 1]! << 16) | (data[end + 2]! << 8) | data[end + 3]!) >>> 0;
    if (got !== want) {
      const text = `checksum mismatch expected:${want.toString(16)}, actual:${got.toString(16)}`;
      throw new TsdbError("TSDB_CHUNK_CHECKSUM", text, { at, want, got });
    }
    this.encoding = data[to]!;
    this.offset = to + 1;
    this.length = length;
    return end + 4 - at;
  }
}
