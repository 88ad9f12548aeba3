// XOR chunks (Gorilla): an appender, and columns to bytes. The layout is in decode-xor.ts.
import { BitWriter } from "../bits/bit-writer.ts";
import { KernelError } from "../errors.ts";
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

/** A sample takes 19 bytes at most, and the last word is written whole. */
const sampleBytesMax = 19;

/** Memory that `encodeXor` works in; give the same one for many chunks. */
export class XorScratch {
  data: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.data.buffer);

  reserve(samples: number): void {
    const bytes = 32 + samples * sampleBytesMax;
    if (bytes <= this.data.length) return;
    this.data = new Uint8Array(bytes);
    this.view = new DataView(this.data.buffer);
  }
}

/**
 * One XOR chunk of the samples `[from, to)`, at most 65,535; `valueBits` holds two words a sample, low word first.
 * The same bytes as `XorAppender` gives, in half the time: its state is in local variables.
 */
export function encodeXor(
  times: Float64Array,
  valueBits: Uint32Array,
  from: number,
  to: number,
  scratch: XorScratch = new XorScratch(),
): Uint8Array {
  const count = to - from;
  if (count > 65535) throw new KernelError("KERNEL_RANGE", "XOR chunk is full", { count });
  scratch.reserve(count);
  const { data, view } = scratch;
  view.setUint16(0, count);
  if (count === 0) return data.slice(0, 2);
  let time = times[from]!;
  let high = valueBits[2 * from + 1]! | 0;
  let low = valueBits[2 * from]! | 0;
  let at = putUvarint(data, 2, time < 0 ? -time * 2 - 1 : time * 2);
  view.setInt32(at, high);
  view.setInt32(at + 4, low);
  at += 8;
  if (count === 1) return data.slice(0, at);
  let delta = times[from + 1]! - time;
  at = putUvarint(data, at, delta);
  time += delta;

  // Bits wait in `word`, from the top down, until 32 are used.
  let word = 0;
  let used = 0;
  let leading = 255;
  let trailing = 0;
  for (let i = from + 1; i < to; i++) {
    // The bits of Δ² wait to be joined by those that begin the value.
    let bits = 0;
    let length = 0;
    if (i > from + 1) {
      const next = times[i]! - time;
      const dod = next - delta;
      delta = next;
      time += next;
      length = 1;
      if (dod !== 0) {
        if (dod >= -8191 && dod <= 8192) {
          bits = 0x8000 | (dod & 0x3fff);
          length = 16;
        } else {
          if (dod >= -65535 && dod <= 65536) {
            bits = 0xc0000 | (dod & 0x1ffff);
            length = 20;
          } else if (dod >= -524287 && dod <= 524288) {
            bits = 0xe00000 | (dod & 0xfffff);
            length = 24;
          } else {
            // A prefix and 64 bits, the upper half here and the lower half below.
            const upper = Math.floor(dod / 4294967296) >>> 0;
            const left = 28 - used;
            if (left > 0) {
              word |= 15 << left;
              used += 4;
            } else {
              view.setInt32(at, word | (15 >>> -left));
              at += 4;
              word = left === 0 ? 0 : 15 << (32 + left);
              used = 0 - left;
            }
            view.setInt32(at, word | (upper >>> used));
            at += 4;
            word = used === 0 ? 0 : upper << (32 - used);
            bits = dod - Math.floor(dod / 4294967296) * 4294967296;
            length = 32;
          }
          const left = 32 - used - length;
          if (left > 0) {
            word |= bits << left;
            used += length;
          } else {
            view.setInt32(at, word | (bits >>> -left));
            at += 4;
            word = left === 0 ? 0 : bits << (32 + left);
            used = 0 - left;
          }
          bits = 0;
          length = 0;
        }
      }
    }

    const newHigh = valueBits[2 * i + 1]! | 0;
    const newLow = valueBits[2 * i]! | 0;
    const h = newHigh ^ high;
    const l = newLow ^ low;
    high = newHigh;
    low = newLow;
    let significant = 0;
    if (h === 0 && l === 0) {
      bits <<= 1;
      length += 1;
    } else {
      let lead = h === 0 ? 32 + Math.clz32(l) : Math.clz32(h);
      const trail = l === 0 ? 63 - Math.clz32(h & -h) : 31 - Math.clz32(l & -l);
      if (lead > 31) lead = 31;
      if (leading !== 255 && lead >= leading && trail >= trailing) {
        bits = (bits << 2) | 0b10;
        length += 2;
      } else {
        leading = lead;
        trailing = trail;
        bits = (bits << 13) | 0x1800 | (lead << 6) | ((64 - lead - trail) & 63);
        length += 13;
      }
      significant = 64 - leading - trailing;
    }
    let left = 32 - used - length;
    if (left > 0) {
      word |= bits << left;
      used += length;
    } else {
      view.setInt32(at, word | (bits >>> -left));
      at += 4;
      word = left === 0 ? 0 : bits << (32 + left);
      used = 0 - left;
    }
    if (significant === 0) continue;
    let lower = trailing === 0 ? l : trailing < 32 ? (l >>> trailing) | (h << (32 - trailing)) : 0;
    if (trailing >= 32) lower = h >>> (trailing - 32);
    if (significant > 32) {
      length = significant - 32;
      bits = h >>> trailing;
      if (length < 32) bits &= (1 << length) - 1;
      left = 32 - used - length;
      if (left > 0) {
        word |= bits << left;
        used += length;
      } else {
        view.setInt32(at, word | (bits >>> -left));
        at += 4;
        word = left === 0 ? 0 : bits << (32 + left);
        used = 0 - left;
      }
      length = 32;
    } else {
      length = significant;
      if (length < 32) lower &= (1 << length) - 1;
    }
    left = 32 - used - length;
    if (left > 0) {
      word |= lower << left;
      used += length;
    } else {
      view.setInt32(at, word | (lower >>> -left));
      at += 4;
      word = left === 0 ? 0 : lower << (32 + left);
      used = 0 - left;
    }
  }
  view.setInt32(at, word);
  return data.slice(0, at + ((used + 7) >>> 3));
}

function putUvarint(data: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 128) {
    data[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  data[at++] = rest;
  return at;
}
