// Writes JSON as bytes into slabs, which leave as the client reads them.

/** The first slabs are small, as most answers are; the later ones of a long answer are few. */
const slabBytes = 65_536;
const longSlabBytes = 262_144;
const longFrom = 8;

/** Strings up to this length are looked at letter by letter. */
const plainMax = 128;

/** Takes a slab; resolves when more may follow, with true if nobody needs the slab any more. */
export type SlabSink = (slab: Buffer) => Promise<unknown>;

/** A stream of JSON text. Writing is synchronous; call `drain` now and then. */
export class JsonWriter {
  readonly #sink: SlabSink;
  readonly #full: Buffer[] = [];
  #slab: Buffer = Buffer.allocUnsafe(slabBytes);
  #length = 0;
  /** A slab that has been sent, to be written again. */
  #spare: Buffer | null = null;
  #slabs = 1;

  constructor(sink: SlabSink) {
    this.#sink = sink;
  }

  /** Makes room for so many bytes. What is written by hand begins at `length`; then tell `wrote`. */
  room(bytes: number): Buffer {
    if (this.#length + bytes > this.#slab.length) {
      if (this.#length > 0) this.#full.push(this.#slab.subarray(0, this.#length));
      this.#slab = this.#next(bytes);
      this.#length = 0;
    }
    return this.#slab;
  }

  #next(bytes: number): Buffer {
    const size = this.#slabs++ < longFrom ? slabBytes : longSlabBytes;
    const spare = this.#spare;
    if (bytes > size || spare?.length !== size)
      return Buffer.allocUnsafeSlow(Math.max(size, bytes));
    this.#spare = null;
    return spare;
  }

  /** Bytes in the slab that `room` gave. */
  get length(): number {
    return this.#length;
  }

  /** The slab is written up to `length`. */
  wrote(length: number): void {
    this.#length = length;
  }

  /** Text of ASCII characters, as it is. */
  ascii(text: string): void {
    const length = text.length;
    this.room(length);
    const slab = this.#slab;
    let at = this.#length;
    if (length > 24) {
      at += slab.write(text, at, length, "latin1");
    } else {
      for (let i = 0; i < length; i++) slab[at++] = text.charCodeAt(i);
    }
    this.#length = at;
  }

  /** Any text, as it is. */
  raw(text: string): void {
    const most = text.length * 3;
    this.room(most);
    this.#length += this.#slab.write(text, this.#length, most, "utf8");
  }

  /** Bytes that are JSON already. */
  bytes(text: Uint8Array): void {
    this.room(text.length);
    this.#slab.set(text, this.#length);
    this.#length += text.length;
  }

  /** One byte. */
  byte(code: number): void {
    this.room(1);
    this.#slab[this.#length++] = code;
  }

  /** A string with quotes and escapes. */
  string(text: string): void {
    const { length } = text;
    if (length > plainMax) {
      this.raw(JSON.stringify(text));
      return;
    }
    const slab = this.room(length + 2);
    let at = this.#length;
    slab[at++] = 0x22;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) {
        this.raw(JSON.stringify(text));
        return;
      }
      slab[at++] = code;
    }
    slab[at++] = 0x22;
    this.#length = at;
  }

  /** A non-negative integer below 2^53. */
  integer(value: number): void {
    this.room(20);
    let rest = value;
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits++;
    const end = this.#length + digits;
    let at = end;
    const slab = this.#slab;
    while (rest > 0x7fffffff) {
      const next = Math.floor(rest / 10);
      slab[--at] = 48 + (rest - next * 10);
      rest = next;
    }
    let small = rest | 0;
    do {
      const next = (small / 10) | 0;
      slab[--at] = 48 + (small - next * 10);
      small = next;
    } while (small > 0);
    this.#length = end;
  }

  /** Any value, by JSON.stringify: for what is small. */
  value(value: unknown): void {
    this.raw(JSON.stringify(value));
  }

  /** True if there is something to `drain`. */
  get isFull(): boolean {
    return this.#full.length > 0;
  }

  /** Sends full slabs. */
  async drain(): Promise<void> {
    while (this.#full.length > 0) {
      const part = this.#full.shift()!;
      const free = await this.#sink(part);
      const { byteLength } = part.buffer;
      if (free === true && (byteLength === slabBytes || byteLength === longSlabBytes)) {
        this.#spare = Buffer.from(part.buffer, 0, byteLength);
      }
    }
  }

  /** Sends all but the last part and returns that; the writer is done. */
  async finish(): Promise<Buffer> {
    await this.drain();
    return this.#slab.subarray(0, this.#length);
  }
}
