// Builds a Cap'n Proto message in one segment, from the front. Places are bytes in the segment; a place of a pointer is
// given to what makes the thing that it points to.
import { ElementSize } from "./message-reader.ts";

/** What a struct is made of. */
export interface StructSize {
  readonly dataWords: number;
  readonly pointers: number;
}

/** Writes structs and lists behind each other. */
export class MessageBuilder {
  #data = new Uint8Array(1 << 12);
  #view = new DataView(this.#data.buffer);
  /** The root's pointer is in front. */
  #filled = 8;

  #take(bytes: number): number {
    const at = this.#filled;
    const end = at + 8 * Math.ceil(bytes / 8);
    if (end > this.#data.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#data.length));
      larger.set(this.#data.subarray(0, at));
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#filled = end;
    return at;
  }

  #point(pointer: number, to: number, kind: number, upper: number): void {
    this.#view.setInt32(pointer, (((to - pointer - 8) / 8) << 2) | kind, true);
    this.#view.setUint32(pointer + 4, upper, true);
  }

  /** A struct; the place of its data. Pointers of it lie behind its data. */
  struct(pointer: number, { dataWords, pointers }: StructSize): number {
    const at = this.#take(8 * (dataWords + pointers));
    this.#point(pointer, at, 0, (dataWords | (pointers << 16)) >>> 0);
    return at;
  }

  /** A list of structs; the place of the first. */
  structs(pointer: number, count: number, { dataWords, pointers }: StructSize): number {
    const words = count * (dataWords + pointers);
    const at = this.#take(8 + 8 * words);
    this.#point(pointer, at, 1, ((words << 3) | ElementSize.struct) >>> 0);
    this.#view.setUint32(at, count << 2, true);
    this.#view.setUint32(at + 4, (dataWords | (pointers << 16)) >>> 0, true);
    return at + 8;
  }

  /** A list of numbers of four or eight bytes; the place of the first. */
  numbers(pointer: number, count: number, elementSize: 4 | 5): number {
    const at = this.#take(count * (elementSize === ElementSize.four ? 4 : 8));
    this.#point(pointer, at, 1, ((count << 3) | elementSize) >>> 0);
    return at;
  }

  /** Data; the place of its first byte, for the caller to fill. */
  bytes(pointer: number, count: number): number {
    const at = this.#take(count);
    this.#point(pointer, at, 1, ((count << 3) | ElementSize.byte) >>> 0);
    return at;
  }

  text(pointer: number, text: string): void {
    const bytes = Buffer.from(text);
    this.copy(bytes, this.bytes(pointer, bytes.length + 1));
  }

  capability(pointer: number, index: number): void {
    this.#view.setUint32(pointer, 3, true);
    this.#view.setUint32(pointer + 4, index, true);
  }

  copy(source: Uint8Array, at: number): void {
    this.#data.set(source, at);
  }
  u16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }
  u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
  i64(at: number, value: number): void {
    const upper = Math.floor(value / 4294967296);
    this.#view.setUint32(at, value - upper * 4294967296, true);
    this.#view.setInt32(at + 4, upper, true);
  }
  f64(at: number, value: number): void {
    this.#view.setFloat64(at, value, true);
  }
  /** Eight bytes as two halves. */
  words(at: number, low: number, high: number): void {
    this.#view.setInt32(at, low, true);
    this.#view.setInt32(at + 4, high, true);
  }

  /** The segment so far; valid until more is added. */
  segment(): Uint8Array {
    return this.#data.subarray(0, this.#filled);
  }
}
