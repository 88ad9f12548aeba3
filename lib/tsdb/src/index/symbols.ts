// The symbol table of an index: every label name and value once, in order.
//
// BE32 length, BE32 count, count × (uvarint n, n bytes), CRC-32C.
// Version 2 refers to symbols by number, version 1 by their offset in the index file.
import { compareStrings, decodeText } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { checkFrame } from "./toc.ts";

/** Symbols by reference, as bytes or as text. Keeps the bytes it was made from. */
export class Symbols {
  readonly data: Uint8Array;
  readonly count: number;
  readonly #version: number;
  /** Where symbol i's bytes start and end. */
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  /** Offset of `data` in the coordinates that version 1 references use. */
  readonly #base: number;
  readonly #texts: (string | undefined)[] = [];

  private constructor(
    data: Uint8Array,
    version: number,
    base: number,
    starts: Uint32Array,
    ends: Uint32Array,
  ) {
    this.data = data;
    this.#version = version;
    this.#base = base;
    this.#starts = starts;
    this.#ends = ends;
    this.count = starts.length;
  }

  /**
   * Reads the table at `offset` of `data`. `base` is the position of `data[0]` in the index file (version 1 needs it).
   * Throws TSDB_INDEX_DATA or TSDB_INDEX_CHECKSUM.
   */
  static read(data: Uint8Array, offset: number, version: number, base: number): Symbols {
    const { start, end } = checkFrame(data, offset, "symbols");
    const malformed = (): TsdbError =>
      new TsdbError("TSDB_INDEX_DATA", "read symbols: malformed table", { offset });
    if (end - start < 4) throw malformed();
    const count = new DataView(data.buffer, data.byteOffset).getUint32(start);
    if (count > end - start - 4) throw malformed();
    const starts = new Uint32Array(count);
    const ends = new Uint32Array(count);
    let at = start + 4;
    for (let i = 0; i < count; i++) {
      let length = data[at++]!;
      if (length >= 0x80) {
        length &= 0x7f;
        let byte = 0x80;
        for (let scale = 128; byte >= 0x80; scale *= 128) {
          if (at >= end || scale > 2 ** 35) throw malformed();
          byte = data[at++]!;
          length += (byte & 0x7f) * scale;
        }
      }
      starts[i] = at;
      at += length;
      if (at > end) throw malformed();
      ends[i] = at;
    }
    return new Symbols(data, version, base, starts, ends);
  }

  /** Number of the symbol that a reference means. Throws TSDB_INDEX_DATA. */
  ordinal(reference: number): number {
    if (this.#version !== 1) {
      if (reference < this.count) return reference;
    } else {
      // A version 1 reference points at the length in front of the bytes.
      const at = reference - this.#base;
      let low = 0;
      let high = this.count;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.#starts[middle]! <= at) low = middle + 1;
        else high = middle;
      }
      if (low < this.count && (low === 0 || at >= this.#ends[low - 1]!)) return low;
    }
    throw new TsdbError("TSDB_INDEX_DATA", "unknown symbol", { reference });
  }

  /** Start of a symbol's bytes in `data`, by number. */
  start(ordinal: number): number {
    return this.#starts[ordinal]!;
  }

  /** End of a symbol's bytes in `data`, by number. */
  end(ordinal: number): number {
    return this.#ends[ordinal]!;
  }

  /** Text of a symbol by number; made once. */
  text(ordinal: number): string {
    let text = this.#texts[ordinal];
    if (text === undefined) {
      text = decodeText(this.data, this.#starts[ordinal]!, this.#ends[ordinal]!);
      this.#texts[ordinal] = text;
    }
    return text;
  }

  /** Number of a symbol by its text, or -1. */
  find(text: string): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareStrings(this.#plain(middle), text);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  #plain(ordinal: number): string {
    return (
      this.#texts[ordinal] ?? decodeText(this.data, this.#starts[ordinal]!, this.#ends[ordinal]!)
    );
  }
}
