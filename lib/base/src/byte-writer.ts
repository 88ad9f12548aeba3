// A growing buffer to write big-endian numbers, LEB128 and bytes.

const encoder = new TextEncoder();

/** Appends to a buffer that doubles as needed. `finish()` gives a view; the writer may be reset and used again. */
export class ByteWriter {
  #data: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(capacity = 256) {
    this.#data = new Uint8Array(capacity);
    this.#view = new DataView(this.#data.buffer);
  }

  /** Makes room for `count` more bytes and returns where they start. */
  reserve(count: number): number {
    const at = this.length;
    const need = at + count;
    if (need > this.#data.length) {
      const grown = new Uint8Array(Math.max(need, this.#data.length * 2));
      grown.set(this.#data.subarray(0, at));
      this.#data = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.length = need;
    return at;
  }

  /** The memory behind; valid until the next write. */
  get data(): Uint8Array {
    return this.#data;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#data[at] = value;
  }
  u16(value: number): void {
    const at = this.reserve(2);
    this.#view.setUint16(at, value);
  }
  u32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value);
  }
  u64(value: number): void {
    const at = this.reserve(8);
    this.#view.setUint32(at, Math.floor(value / 4294967296));
    this.#view.setUint32(at + 4, value % 4294967296);
  }
  i64(value: number): void {
    const at = this.reserve(8);
    this.#view.setInt32(at, Math.floor(value / 4294967296));
    this.#view.setUint32(at + 4, value - Math.floor(value / 4294967296) * 4294967296);
  }
  f64(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value);
  }
  uvarint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.u8((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.u8(rest);
  }
  varint(value: number): void {
    this.uvarint(value < 0 ? -value * 2 - 1 : value * 2);
  }
  bytes(source: Uint8Array): void {
    const at = this.reserve(source.length);
    this.#data.set(source, at);
  }
  uvarintBytes(source: Uint8Array): void {
    this.uvarint(source.length);
    this.bytes(source);
  }
  uvarintString(value: string): void {
    this.uvarintBytes(encoder.encode(value));
  }
  /** A view of what was written; valid until the next write or reset. */
  view(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }
  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#data.slice(0, this.length);
  }
  reset(): void {
    this.length = 0;
  }
}
