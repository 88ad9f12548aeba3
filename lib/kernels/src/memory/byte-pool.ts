// Memory into which bytes are read, and in which WebAssembly checks them where they lie.

import { crc32c } from "../hash/crc32c.ts";
import type { Xxhash64 } from "../hash/xxhash64.ts";
import { moduleText } from "./bytes.wasm.ts";
import { instantiate } from "./webassembly.ts";

interface ByteKernels {
  readonly init: () => void;
  readonly crc32c: (from: number, length: number) => number;
  readonly xxhash64: (from: number, length: number) => void;
  readonly copy: (to: number, from: number, length: number) => void;
}

/** Memory at the front that belongs to the module; the result of a hash is in it. */
const ownBytes = 32 << 10;
const hashAt = 16 << 10;
/** Memory is handed out in multiples of this. */
const unitBytes = 16 << 10;
const pageBytes = 65_536;

/** One memory: which of its units are free, as ascending pairs of first unit and number. */
class Arena {
  readonly kernels: ByteKernels;
  readonly buffer: ArrayBuffer;
  readonly hash: Uint32Array;
  /** Units of what is handed out, by offset. */
  readonly lent = new Map<number, number>();
  readonly #free: { at: number; count: number }[];

  constructor(bytes: number) {
    const { memory, exports } = instantiate(moduleText, Math.ceil((ownBytes + bytes) / pageBytes));
    this.kernels = exports as unknown as ByteKernels;
    this.buffer = memory;
    this.hash = new Uint32Array(this.buffer, hashAt, 2);
    this.kernels.init();
    const first = ownBytes / unitBytes;
    this.#free = [{ at: first, count: Math.floor(this.buffer.byteLength / unitBytes) - first }];
  }

  take(length: number): Uint8Array | undefined {
    const count = Math.max(1, Math.ceil(length / unitBytes));
    // The lowest place that fits, so that memory beyond what is needed at once is never touched.
    const index = this.#free.findIndex((extent) => extent.count >= count);
    if (index < 0) return undefined;
    const extent = this.#free[index]!;
    const offset = extent.at * unitBytes;
    extent.at += count;
    extent.count -= count;
    if (extent.count === 0) this.#free.splice(index, 1);
    this.lent.set(offset, count);
    return new Uint8Array(this.buffer, offset, length);
  }

  give(offset: number): void {
    const count = this.lent.get(offset);
    if (count === undefined) return;
    this.lent.delete(offset);
    const at = offset / unitBytes;
    let index = this.#free.findIndex((extent) => extent.at > at);
    if (index < 0) index = this.#free.length;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    const joinsBefore = before !== undefined && before.at + before.count === at;
    const joinsAfter = after !== undefined && at + count === after.at;
    if (joinsBefore) before.count += count + (joinsAfter ? after.count : 0);
    else if (joinsAfter) {
      after.at = at;
      after.count += count;
    } else this.#free.splice(index, 0, { at, count });
    if (joinsBefore && joinsAfter) this.#free.splice(index, 1);
  }
}

/**
 * A pool of memory with checksums that are quick for bytes in it; other bytes are checked in plain TypeScript.
 * Where there is no WebAssembly it hands nothing out, and all else works.
 */
export class BytePool {
  readonly #bytes: number;
  #arena: Arena | null = null;
  #opened = false;
  #abandoned = 0;

  /** Memory is reserved when it is first asked for, and taken up as it is written to. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  #open(): Arena | null {
    if (!this.#opened) {
      this.#opened = true;
      try {
        this.#arena = new Arena(this.#bytes);
      } catch {
        // No address space, or no WebAssembly: everything works without the pool.
        this.#arena = null;
      }
    }
    return this.#arena;
  }

  /** Memory with anything in it, until it is given back; undefined where so much is not free. */
  take(length: number): Uint8Array | undefined {
    return this.#open()?.take(length);
  }

  /** Takes memory back that nobody looks at any more. What is not from here, or was given back, is left alone. */
  give(data: Uint8Array): void {
    if (data.buffer === this.#arena?.buffer) this.#arena.give(data.byteOffset);
  }

  /**
   * Says that memory will not be given back, since somebody may look at it for ever. When half of the pool has gone so,
   * the pool starts anew, and the collector gets the old memory when nobody looks at it.
   */
  abandon(data: Uint8Array): void {
    if (data.buffer !== this.#arena?.buffer || !this.#arena.lent.has(data.byteOffset)) return;
    this.#abandoned += data.length;
    if (this.#abandoned * 2 < this.#bytes) return;
    this.#abandoned = 0;
    this.#arena = null;
    this.#opened = false;
  }

  /** CRC-32C of `data[start, end)`. */
  crc32c(data: Uint8Array, start: number, end: number): number {
    const arena = this.#arena;
    if (arena === null || data.buffer !== arena.buffer) return crc32c(data, start, end);
    return arena.kernels.crc32c(data.byteOffset + start, end - start) >>> 0;
  }

  /** Copies `from[start, end)` to place `at` of `to`; within this pool without making anything for the collector. */
  copy(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): void {
    const arena = this.#arena;
    if (arena === null || from.buffer !== arena.buffer || to.buffer !== arena.buffer) {
      to.set(from.subarray(start, end), at);
      return;
    }
    if (start < 0 || end > from.length || at < 0 || at + end - start > to.length)
      throw new RangeError("copy beyond the end of a buffer");
    arena.kernels.copy(to.byteOffset + at, from.byteOffset + start, end - start);
  }

  /** XXH64 that is quick for bytes of this pool; others go to `hash`. */
  hasher(hash: Xxhash64): Xxhash64 {
    return new PoolHash(hash, (data, start, end) => {
      const arena = this.#arena;
      if (arena === null || data.buffer !== arena.buffer) return null;
      arena.kernels.xxhash64(data.byteOffset + start, end - start);
      return arena.hash;
    });
  }
}

/** Hashes in place, with the two words of the hash; null for bytes that are elsewhere. */
type HashInPlace = (data: Uint8Array, start: number, end: number) => Uint32Array | null;

class PoolHash implements Xxhash64 {
  readonly #other: Xxhash64;
  readonly #inPlace: HashInPlace;
  high = 0;
  low = 0;

  constructor(other: Xxhash64, inPlace: HashInPlace) {
    this.#other = other;
    this.#inPlace = inPlace;
  }

  hash(data: Uint8Array, start = 0, end = data.length): void {
    const words = this.#inPlace(data, start, end);
    if (words === null) this.#other.hash(data, start, end);
    this.low = words === null ? this.#other.low : words[0]!;
    this.high = words === null ? this.#other.high : words[1]!;
  }

  hex(data: Uint8Array, start = 0, end = data.length): string {
    this.hash(data, start, end);
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }
}
