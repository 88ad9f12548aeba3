// XOR chunks (Gorilla): an appender, and columns to bytes. The layout is in decode-xor.ts.
import { BitWriter } from "./bit-writer.ts";
import { KernelError } from "./errors.ts";
import { XorValueWriter } from "./xor-window.ts";

/** Appends samples to one XOR chunk. Times must not descend. */
export class XorAppender {
  readonly #out: BitWriter;
  readonly #value = new XorValueWriter();
  #count = 0;
  #time = 0;
  #delta = 0;

  constructor(capacityBytes = 128) {
    this.#out = new BitWriter(capacityBytes);
    this.#out.bits(0, 16);
  }

  get count(): number {
    return this.#count;
  }

  /** Size of the chunk so far, in bytes. */
  get byteLength(): number {
    return this.#out.byteLength;
  }

  /** Starts an empty chunk in the same memory. */
  reset(): void {
    this.#out.reset();
    this.#out.bits(0, 16);
    this.#count = 0;
    this.#value.leading = 255;
  }

  /** Appends a sample, its value given as two words; there is no place for start timestamps. Throws KERNEL_RANGE when full. */
  append(time: number, high: number, low: number, _start = 0): void {
    const out = this.#out;
    const index = this.#count;
    if (index > 1) {
      const delta = time - this.#time;
      const dod = delta - this.#delta;
      if (dod === 0) out.bits(0, 1);
      else if (dod >= -8191 && dod <= 8192) out.bits(0x8000 | (dod & 0x3fff), 16);
      else if (dod >= -65535 && dod <= 65536) out.bits(0xc0000 | (dod & 0x1ffff), 20);
      else if (dod >= -524287 && dod <= 524288) out.bits(0xe00000 | (dod & 0xfffff), 24);
      else {
        out.bits(0b1111, 4);
        out.int64(dod);
      }
      this.#value.write(out, high, low);
      this.#delta = delta;
    } else if (index === 0) {
      out.varint(time);
      this.#value.first(out, high, low);
    } else {
      this.#delta = time - this.#time;
      out.uvarint(this.#delta);
      this.#value.write(out, high, low);
    }
    if (index === 65535) throw new KernelError("KERNEL_RANGE", "XOR chunk is full", {});
    this.#time = time;
    this.#count = index + 1;
  }

  /** A copy of the chunk; appending may go on. */
  finish(): Uint8Array {
    this.#out.patchByte(0, this.#count >>> 8);
    this.#out.patchByte(1, this.#count & 255);
    return this.#out.finish();
  }
}

/**
 * One XOR chunk of the samples `[from, to)`; `valueBits` holds two words a sample, low word first.
 * `appender` is scratch: give the same one for many chunks.
 */
export function encodeXor(
  times: Float64Array,
  valueBits: Uint32Array,
  from: number,
  to: number,
  appender: XorAppender = new XorAppender(),
): Uint8Array {
  appender.reset();
  for (let i = from; i < to; i++) {
    appender.append(times[i]!, valueBits[2 * i + 1]!, valueBits[2 * i]!);
  }
  return appender.finish();
}
