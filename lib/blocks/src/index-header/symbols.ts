// The symbol table of an index-header: names and values of labels by number.
import { crc32c } from "@deucalion/kernels";
import { breathe, scanBytes } from "./breathe.ts";
import { indexError, indexStartBytes } from "./layout.ts";
import type { PagedFile } from "./page-cache.ts";

/** Positions of every 32nd symbol are kept. */
const samplingShift = 5;

/** Looks symbols up. In index version 1 a reference is a position in the index file, later it is an ordinal. */
export class Symbols {
  readonly count: number;
  readonly #file: PagedFile;
  readonly #start: number;
  readonly #end: number;
  /** From `#start`; the table is at most 4 GiB. Null for version 1. */
  readonly #samples: Uint32Array | null;

  private constructor(
    file: PagedFile,
    start: number,
    end: number,
    count: number,
    samples: Uint32Array | null,
  ) {
    this.#file = file;
    this.#start = start;
    this.#end = end;
    this.count = count;
    this.#samples = samples;
  }

  /** Reads the table at `at` through once, verifying its checksum. Throws BLOCKS_INDEX. */
  static async open(
    file: PagedFile,
    at: number,
    limit: number,
    indexVersion: number,
  ): Promise<Symbols> {
    if (at + 8 > limit) throw indexError("read symbols: too short");
    const head = file.readDirect(at, 8);
    const view = new DataView(head.buffer);
    const length = view.getUint32(0);
    const count = view.getUint32(4);
    const end = at + 4 + length;
    if (length < 4 || end + 4 > limit) throw indexError("read symbols: length does not fit");
    if (count > length - 4) throw indexError("read symbols: count does not fit", { count });
    const sampled = indexVersion >= 2;
    const samples = new Uint32Array(sampled ? Math.ceil(count / 2 ** samplingShift) : 0);
    let crc = crc32c(head, 4, 8);
    // Walks the lengths while the checksum is taken; entries may cross pieces.
    let next = at + 8;
    let ordinal = 0;
    for (let from = at + 8; from < end; ) {
      const size = Math.min(scanBytes, end - from);
      if (from > at + 8) await breathe();
      const piece = file.readDirect(from, size);
      crc = crc32c(piece, 0, size, crc);
      while (sampled && ordinal < count && next < from + size - 10) {
        if ((ordinal & 31) === 0) samples[ordinal >>> samplingShift] = next - at;
        const skip = entryBytes(piece, next - from);
        next += skip;
        ordinal++;
      }
      from += size;
      // The last few bytes of a piece may hold the start of an entry: walk them byte by byte.
      while (sampled && ordinal < count && next < from) {
        if ((ordinal & 31) === 0) samples[ordinal >>> samplingShift] = next - at;
        next = skipEntry(file, next);
        ordinal++;
      }
    }
    const stored = new DataView(file.readDirect(end, 4).buffer).getUint32(0);
    if (stored !== crc) throw indexError("read symbols: invalid checksum");
    if (sampled && (ordinal !== count || next !== end))
      throw indexError("read symbols: entries do not fit the table");
    return new Symbols(file, at, end, count, sampled ? samples : null);
  }

  /** A copy of the bytes of a symbol. Throws BLOCKS_INDEX on a reference out of range. */
  bytes(reference: number): Uint8Array {
    let at: number;
    if (this.#samples === null) {
      at = this.#start + reference - indexStartBytes;
      if (at < this.#start + 8 || at >= this.#end)
        throw indexError(`symbol offset ${reference} is out of range`);
    } else {
      if (reference >= this.count)
        throw indexError(`symbol ${reference} is out of range`, { count: this.count });
      at = this.#start + this.#samples[reference >>> samplingShift]!;
      for (let skip = reference & 31; skip > 0; skip--) at = skipEntry(this.#file, at);
    }
    let length = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#file.byte(at++);
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    if (at + length > this.#end) throw indexError(`symbol ${reference} does not fit the table`);
    return this.#file.bytes(at, length);
  }
}

function entryBytes(data: Uint8Array, at: number): number {
  let length = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = data[at + i]!;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return i + 1 + length;
    scale *= 128;
  }
  throw indexError("read symbols: malformed length");
}

function skipEntry(file: PagedFile, at: number): number {
  let length = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = file.byte(at + i);
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return at + i + 1 + length;
    scale *= 128;
  }
  throw indexError("read symbols: malformed length");
}
