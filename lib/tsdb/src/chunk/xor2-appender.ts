// XOR2 chunks: an appender. The layout is in decode-xor2.ts.
import { BitWriter, XorValueWriter } from "@deucalion/kernels";
import { ChunkEncoding } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { StartTimeWriter } from "./start-time.ts";

/** Appends float samples, with start timestamps or without, to one XOR2 chunk. Times must not descend. */
export class Xor2Appender {
  readonly encoding = ChunkEncoding.xor2;
  readonly #out = new BitWriter(128);
  readonly #value = new XorValueWriter();
  readonly #starts = new StartTimeWriter();
  #count = 0;
  #time = 0;
  #delta = 0;

  constructor() {
    this.#out.bits(0, 24);
  }

  get count(): number {
    return this.#count;
  }

  get byteLength(): number {
    return this.#out.byteLength;
  }

  /** Appends a sample, its value given as two words; `start` is 0 for none. */
  append(time: number, high: number, low: number, start: number): void {
    const out = this.#out;
    const index = this.#count;
    if (index === 65535) throw new TsdbError("TSDB_CHUNK_FULL", "XOR2 chunk is full", {});
    const stale = high >>> 0 === 0x7ff00000 && low === 2;
    const delta = index === 0 ? 0 : time - this.#time;
    if (index === 0) {
      out.varint(time);
      this.#value.first(out, high, low);
      if (stale) {
        this.#value.high = 0;
        this.#value.low = 0;
      }
    } else if (index === 1) {
      out.uvarint(delta);
      this.#writeValue(high, low, stale);
    } else {
      this.#writeJoint(delta - this.#delta, high, low, stale);
    }
    this.#starts.write(out, index, time, this.#time, start);
    this.#time = time;
    this.#delta = delta;
    this.#count = index + 1;
  }

  #writeJoint(dod: number, high: number, low: number, stale: boolean): void {
    const out = this.#out;
    if (dod === 0) {
      if (stale) {
        out.bits(0b11111, 5);
        return;
      }
      const value = this.#value;
      const h = (high ^ value.high) | 0;
      const l = (low ^ value.low) | 0;
      if (h === 0 && l === 0) {
        out.bits(0, 1);
        return;
      }
      out.bits(0b10, 2);
      value.high = high | 0;
      value.low = low | 0;
      value.writeDifference(out, h, l, 0, 1, 1, 1);
      return;
    }
    if (dod >= -4096 && dod <= 4095) {
      out.bits((0b110 << 13) | (dod & 0x1fff), 16);
    } else if (dod >= -524288 && dod <= 524287) {
      out.bits((0b1110 << 20) | (dod & 0xfffff), 24);
    } else {
      out.bits(0b11110, 5);
      out.int64(dod);
    }
    this.#writeValue(high, low, stale);
  }

  #writeValue(high: number, low: number, stale: boolean): void {
    const out = this.#out;
    if (stale) {
      out.bits(0b111, 3);
      return;
    }
    const value = this.#value;
    const h = (high ^ value.high) | 0;
    const l = (low ^ value.low) | 0;
    if (h === 0 && l === 0) {
      out.bits(0, 1);
      return;
    }
    value.high = high | 0;
    value.low = low | 0;
    value.writeDifference(out, h, l, 0b10, 2, 0b110, 3);
  }

  /** A copy of the chunk; appending may go on. */
  finish(): Uint8Array {
    this.#out.patchByte(0, this.#count >>> 8);
    this.#out.patchByte(1, this.#count & 255);
    this.#out.patchByte(2, this.#starts.header);
    return this.#out.finish();
  }
}
