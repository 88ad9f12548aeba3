// A cursor over bytes, big-endian and LEB128, as TSDB files, WAL records and protobuf use them.
import { BaseError } from "./errors.ts";

const text = new TextDecoder();

/** Reads forward over `data`; every read is bounds-checked and throws BASE_TRUNCATED. */
export class ByteReader {
  readonly data: Uint8Array;
  readonly end: number;
  at: number;
  readonly #view: DataView;

  /** `data` is read in place and is not copied; the cursor covers `[start, end)`. */
  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.data = data;
    this.at = start;
    this.end = end;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get left(): number {
    return this.end - this.at;
  }

  #take(count: number): number {
    const at = this.at;
    if (count < 0 || count > this.end - at) {
      throw new BaseError("BASE_TRUNCATED", "input ends too early", { at, count, end: this.end });
    }
    this.at = at + count;
    return at;
  }

  u8(): number {
    return this.data[this.#take(1)]!;
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }
  /** 64-bit unsigned as a number; exact up to 2^53. */
  u64(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at) * 4294967296 + this.#view.getUint32(at + 4);
  }
  /** 64-bit two's complement as a number; exact within ±2^53. */
  i64(): number {
    const at = this.#take(8);
    return this.#view.getInt32(at) * 4294967296 + this.#view.getUint32(at + 4);
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8));
  }
  /** Unsigned LEB128 as a number; exact up to 2^53. */
  uvarint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new BaseError("BASE_VARINT", "varint is longer than 64 bits", { at: this.at });
  }
  /** Zig-zag LEB128 as a number; exact within ±2^53. */
  varint(): number {
    // The sign is the lowest bit of the first byte; a large number (the least int64) has lost it when it is read.
    const sign = (this.data[this.at] ?? 0) & 1;
    const half = Math.floor((this.uvarint() - sign) / 2);
    return sign === 1 ? -half - 1 : half;
  }
  /** A view of the next bytes; shares memory with `data`. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.data.subarray(at, at + count);
  }
  /** uvarint length, then that many bytes. */
  uvarintBytes(): Uint8Array {
    return this.bytes(this.uvarint());
  }
  uvarintString(): string {
    return text.decode(this.uvarintBytes());
  }
  skip(count: number): void {
    this.#take(count);
  }
}
