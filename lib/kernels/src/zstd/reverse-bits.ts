// The bit streams of zstd that are read from their end to their beginning.
import { highBit, malformedZstd } from "./fse-table.ts";

/** Reads `data[start, end)` backward. The highest set bit of the last byte marks where it begins. */
export class ReverseBits {
  readonly #data: Uint8Array;
  readonly #start: number;
  /** Bits that are left; below zero, zeros have been read from beyond the beginning. */
  left: number;

  constructor(data: Uint8Array, start: number, end: number) {
    const last = end > start ? data[end - 1]! : 0;
    if (last === 0) malformedZstd("bit stream has no end");
    this.#data = data;
    this.#start = start;
    this.left = (end - start - 1) * 8 + highBit(last);
  }

  /** The next `count` bits, at most 24, without moving; zeros beyond the beginning. */
  peek(count: number): number {
    const pos = this.left - count;
    if (pos < 0) return pos <= -count ? 0 : this.#at(0, count + pos) << -pos;
    return this.#at(pos, count);
  }

  #at(pos: number, count: number): number {
    const at = this.#start + (pos >>> 3);
    const data = this.#data;
    const word =
      data[at]! |
      ((data[at + 1] ?? 0) << 8) |
      ((data[at + 2] ?? 0) << 16) |
      ((data[at + 3] ?? 0) << 24);
    return (word >>> (pos & 7)) & ((1 << count) - 1);
  }

  /** Reads `count` bits, at most 31. */
  read(count: number): number {
    if (count > 16) {
      const high = this.read(count - 16);
      return high * 65536 + this.read(16);
    }
    const value = this.peek(count);
    this.left -= count;
    return value;
  }
}
