// Writes protobuf into a growing buffer. Sub-messages are written first and get their length afterwards.

const encoder = new TextEncoder();

/** Length in bytes of an unsigned varint. */
export function uvarintBytes(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Appends fields. `view()` is valid until the next write; `finish()` copies. */
export class ProtoWriter {
  #data: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(capacity = 256) {
    this.#data = new Uint8Array(capacity);
    this.#view = new DataView(this.#data.buffer);
  }

  /** Makes room for `count` more bytes without moving the end; use with `data` and `length`. */
  ensure(count: number): void {
    const need = this.length + count;
    if (need <= this.#data.length) return;
    const grown = new Uint8Array(Math.max(need, this.#data.length * 2));
    grown.set(this.#data.subarray(0, this.length));
    this.#data = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** The memory behind, valid until the next write. */
  get data(): Uint8Array {
    return this.#data;
  }

  /** Field number and wire type. */
  tag(field: number, wire: number): void {
    this.uvarint(field * 8 + wire);
  }

  uvarint(value: number): void {
    this.ensure(10);
    const data = this.#data;
    let at = this.length;
    let rest = Math.min(value, 2 ** 64 - 2048);
    while (rest >= 128) {
      data[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    data[at++] = rest;
    this.length = at;
  }

  /** 64-bit two's complement; beyond ±2^63 it is the nearest 64-bit number. */
  svarint(value: number): void {
    if (value >= 0) {
      if (value < 2 ** 63) {
        this.uvarint(value);
        return;
      }
      this.#tenBytes(0xfffffff, 0xfffffff, 0x7f);
      return;
    }
    const rest = Math.min(-value - 1, 2 ** 63 - 1024);
    if (value <= -(2 ** 63)) {
      this.#tenBytes(0, 0, 0x80);
      return;
    }
    const low = rest % 268435456;
    const above = Math.floor(rest / 268435456);
    this.#tenBytes(
      ~low & 0xfffffff,
      ~(above % 268435456) & 0xfffffff,
      ~Math.floor(above / 268435456) & 0xff,
    );
  }

  #tenBytes(low: number, middle: number, high: number): void {
    this.ensure(10);
    const data = this.#data;
    let at = this.length;
    for (let i = 0; i < 28; i += 7) data[at++] = ((low >>> i) & 0x7f) | 0x80;
    for (let i = 0; i < 28; i += 7) data[at++] = ((middle >>> i) & 0x7f) | 0x80;
    if (high < 0x80) data[at++] = high;
    else {
      data[at++] = (high & 0x7f) | 0x80;
      data[at++] = high >>> 7;
    }
    this.length = at;
  }

  zigzag(value: number): void {
    this.uvarint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  double(value: number): void {
    this.ensure(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Bytes as they are. */
  raw(source: Uint8Array, start = 0, end = source.length): void {
    const count = end - start;
    this.ensure(count);
    if (count < 64) {
      const data = this.#data;
      for (let i = 0; i < count; i++) data[this.length + i] = source[start + i]!;
    } else {
      this.#data.set(source.subarray(start, end), this.length);
    }
    this.length += count;
  }

  /** A length-delimited field. */
  bytes(field: number, source: Uint8Array): void {
    this.tag(field, 2);
    this.uvarint(source.length);
    this.raw(source);
  }

  string(field: number, value: string): void {
    this.bytes(field, encoder.encode(value));
  }

  /** Starts a sub-message; give what it returns to `close`. */
  open(field: number): number {
    this.tag(field, 2);
    return this.length;
  }

  /** Puts the length of everything written since `open` in front of it. */
  close(mark: number): void {
    const size = this.length - mark;
    const prefix = uvarintBytes(size);
    // Room for all that `uvarint` asks for: growing while the end is set back would lose what lies behind it.
    this.ensure(prefix + 10);
    this.#data.copyWithin(mark + prefix, mark, this.length);
    this.length = mark;
    this.uvarint(size);
    this.length = mark + prefix + size;
  }

  view(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }
  finish(): Uint8Array {
    return this.#data.slice(0, this.length);
  }
  reset(): void {
    this.length = 0;
  }
}
