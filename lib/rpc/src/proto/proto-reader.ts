// A protobuf cursor over bytes: tags, varints, fixed numbers and ranges. Reads in place and copies nothing.
import { RpcError } from "../errors.ts";

const text = new TextDecoder();

/** Wire types of protobuf. */
export const Wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Reads fields one after the other. After `next()` the field's number and wire type are in `field` and `wire`;
 * then read it by its type, or `skip()` it. Malformed or cut-off input throws RPC_PROTO.
 */
export class ProtoReader {
  readonly data: Uint8Array;
  readonly end: number;
  at: number;
  field = 0;
  wire = 0;
  /** Bounds of the last length-delimited field that `range()` read. */
  start = 0;
  stop = 0;
  #view: DataView | undefined;

  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.data = data;
    this.at = start;
    this.end = end;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.uvarint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.field === 0 || this.field > 536_870_911) this.#fail("field number is out of range");
    return true;
  }

  #fail(message: string): never {
    throw new RpcError("RPC_PROTO", `protobuf: ${message}`, { at: this.at, end: this.end });
  }

  #expect(wire: number): void {
    if (this.wire !== wire) {
      this.#fail(`field ${this.field} has wire type ${this.wire}, not ${wire}`);
    }
  }

  /** Unsigned varint as a number, exact up to 2^53. Does not look at `wire`. */
  uvarint(): number {
    const data = this.data;
    const end = this.end;
    let at = this.at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      if (at >= end) this.#fail("varint is cut off");
      const byte = data[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = at;
        return value;
      }
      scale *= 128;
    }
    // Beyond 49 bits the upper part is added at once, so that the result is rounded only once.
    let high = 0;
    scale = 1;
    for (let i = 7; i < 10; i++) {
      if (at >= end) this.#fail("varint is cut off");
      const byte = data[at++]!;
      high += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = at;
        return value + high * 2 ** 49;
      }
      scale *= 128;
    }
    return this.#fail("varint is longer than 64 bits");
  }

  /** 64-bit two's complement varint as a number, exact within ±2^53. Does not look at `wire`. */
  svarint(): number {
    const data = this.data;
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) this.#fail("varint is cut off");
      const byte = data[this.at++]!;
      if (i < 4) low |= (byte & 0x7f) << (7 * i);
      else if (i < 8) middle |= (byte & 0x7f) << (7 * (i - 4));
      else high |= (byte & 0x7f) << (7 * (i - 8));
      if (byte >= 0x80) continue;
      if ((high & 0x80) === 0) return low + middle * 268435456 + high * 72057594037927936;
      const rest = (~low & 0xfffffff) + (~middle & 0xfffffff) * 268435456;
      return -(rest + (~high & 0xff) * 72057594037927936) - 1;
    }
    return this.#fail("varint is longer than 64 bits");
  }

  /** int64, int32 and enums. */
  int(): number {
    this.#expect(Wire.varint);
    return this.svarint();
  }
  /** uint64, uint32. */
  uint(): number {
    this.#expect(Wire.varint);
    return this.uvarint();
  }
  /** sint64, sint32: zig-zag. */
  zigzag(): number {
    this.#expect(Wire.varint);
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  bool(): boolean {
    return this.uint() !== 0;
  }
  double(): number {
    this.#expect(Wire.fixed64);
    return this.rawDouble();
  }
  /** Eight bytes as a double. Does not look at `wire`. */
  rawDouble(): number {
    if (this.end - this.at < 8) this.#fail("double is cut off");
    this.#view ??= new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  /** Reads a length and steps over so many bytes; their bounds are in `start` and `stop`. */
  range(): void {
    this.#expect(Wire.bytes);
    const length = this.uvarint();
    if (length > this.end - this.at) this.#fail(`field ${this.field} is cut off`);
    this.start = this.at;
    this.stop = this.at + length;
    this.at = this.stop;
  }
  /** A view of a length-delimited field; shares memory. */
  bytes(): Uint8Array {
    this.range();
    return this.data.subarray(this.start, this.stop);
  }
  string(): string {
    this.range();
    return text.decode(this.data.subarray(this.start, this.stop));
  }
  /** A cursor over a sub-message. */
  message(): ProtoReader {
    this.range();
    return new ProtoReader(this.data, this.start, this.stop);
  }

  /** Steps over the current field, whatever it is; groups are malformed. */
  skip(): void {
    switch (this.wire) {
      case Wire.varint:
        this.uvarint();
        return;
      case Wire.fixed64:
        this.#step(8);
        return;
      case Wire.bytes:
        this.range();
        return;
      case Wire.fixed32:
        this.#step(4);
        return;
      default:
        this.#fail(`wire type ${this.wire} is not one we read`);
    }
  }

  #step(count: number): void {
    if (this.end - this.at < count) this.#fail("field is cut off");
    this.at += count;
  }
}
