// Reads a bit stream, most significant bit first, through windows of 32 bits.
import { KernelError } from "../errors.ts";

/** Bytes that may be looked at, not used, beyond the end of a stream. */
const slackBytes = 16;

const nothing = new DataView(new ArrayBuffer(slackBytes));
const pair = new Uint32Array(2);
const pairFloat = new Float64Array(pair.buffer);

/**
 * A cursor over bits. Every read checks that it stayed within the stream and throws KERNEL_TRUNCATED if not.
 * Reset it to use it again.
 */
export class BitReader {
  #view: DataView = nothing;
  /** Bits from the start of the stream. */
  pos = 0;
  #end = 0;
  /** The 64 bits that `read64` left, as two words. */
  high = 0;
  low = 0;

  /** Points at `data[offset, offset + length)`, read in place unless it ends near the end of its buffer. */
  reset(data: Uint8Array, offset: number, length: number): this {
    if (data.length - offset - length >= slackBytes) {
      this.#view = new DataView(data.buffer, data.byteOffset + offset, length + slackBytes);
    } else {
      const padded = new Uint8Array(length + slackBytes);
      padded.set(data.subarray(offset, offset + length));
      this.#view = new DataView(padded.buffer);
    }
    this.pos = 0;
    this.#end = length * 8;
    return this;
  }

  /** Bits not read yet. */
  get left(): number {
    return this.#end - this.pos;
  }

  #overrun(): never {
    throw new KernelError("KERNEL_TRUNCATED", "bit stream ends too early", {
      at: this.pos,
      bits: this.#end,
    });
  }

  /** The next 32 bits, signed, without moving. Zero-padded, or garbage, past the end. */
  peek32(): number {
    const pos = this.pos;
    const at = pos >>> 3;
    const shift = pos & 7;
    const view = this.#view;
    return (view.getInt32(at) << shift) | (view.getUint8(at + 4) >>> (8 - shift));
  }

  #move(bits: number): void {
    this.pos += bits;
    if (this.pos > this.#end) this.#overrun();
  }

  /** The next `bits` (1 to 32), unsigned. */
  bits(bits: number): number {
    const value = this.peek32() >>> (32 - bits);
    this.#move(bits);
    return value;
  }

  /** The next `count` bits (1 to 64) into `high` and `low`. */
  read64(count = 64): void {
    if (count <= 32) {
      this.high = 0;
      this.low = this.bits(count);
    } else {
      this.high = this.bits(count - 32);
      this.low = this.bits(32);
    }
  }

  byte(): number {
    return this.bits(8);
  }

  /** 64 bits as a float; bits are kept in `high` and `low` too. */
  float64(): number {
    this.read64();
    pair[0] = this.low;
    pair[1] = this.high;
    return pairFloat[0]!;
  }

  /** 64 bits, two's complement, as a number (exact within ±2^53). */
  int64(): number {
    this.read64();
    return (this.high | 0) * 4294967296 + (this.low >>> 0);
  }

  /** LEB128 of bytes that need not be aligned. */
  uvarint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new KernelError("KERNEL_BITS", "varint is longer than 64 bits", { at: this.pos });
  }

  varint(): number {
    // The sign is the lowest bit of the first byte; a large number has lost it by the time it is read.
    const sign = (this.peek32() >>> 24) & 1;
    const half = Math.floor((this.uvarint() - sign) / 2);
    return sign === 1 ? -half - 1 : half;
  }

  /** Prometheus' `varbit_int`: a unary prefix that says how many bits follow. */
  varbitInt(): number {
    const window = this.peek32();
    if (window >= 0) {
      this.#move(1);
      return 0;
    }
    const ones = Math.clz32(~window);
    if (ones < 7) {
      const width = varbitWidths[ones]!;
      this.#move(ones + 1 + width);
      const value = (window << (ones + 1)) >>> (32 - width);
      const half = 1 << (width - 1);
      return value > half ? value - 2 * half : value;
    }
    this.#move(8);
    if ((window & 0x1000000) !== 0) return this.int64();
    const high = this.bits(24);
    const low = this.bits(32);
    const positive = high < 0x800000 || (high === 0x800000 && low === 0);
    return (positive ? high : high - 0x1000000) * 4294967296 + low;
  }

  /**
   * The next row of an integer histogram, `from ≤ i < to`, from the row before it. What is stored for each bucket is by
   * how much its difference to its neighbour changed other than the last time, a `varbit_int`; `steps` holds by how much
   * each count changed, and is moved on. Writes `cells[at + i] = cells[before + i] + steps[i]`. In a steady histogram
   * most changes are a single zero bit, so runs of those are counted and not read one by one.
   */
  varbitRow(
    steps: Float64Array,
    from: number,
    to: number,
    cells: Float64Array,
    before: number,
    at: number,
  ): void {
    let change = 0;
    for (let i = from; i < to; ) {
      const window = this.peek32();
      if (window < 0) {
        change += this.varbitInt();
        steps[i]! += change;
        cells[at + i] = cells[before + i]! + steps[i]!;
        i++;
        continue;
      }
      const run = Math.min(Math.clz32(window), to - i);
      this.#move(run);
      const end = i + run;
      if (change === 0) {
        for (; i < end; i++) cells[at + i] = cells[before + i]! + steps[i]!;
      } else {
        for (; i < end; i++) {
          const step = steps[i]! + change;
          steps[i] = step;
          cells[at + i] = cells[before + i]! + step;
        }
      }
    }
  }

  /** Prometheus' `varbit_uint`. */
  varbitUint(): number {
    const window = this.peek32();
    if (window >= 0) {
      this.#move(1);
      return 0;
    }
    const ones = Math.clz32(~window);
    if (ones < 7) {
      const width = varbitWidths[ones]!;
      this.#move(ones + 1 + width);
      return (window << (ones + 1)) >>> (32 - width);
    }
    this.#move(8);
    if ((window & 0x1000000) === 0) {
      const high = this.bits(24);
      return high * 4294967296 + this.bits(32);
    }
    this.read64();
    return this.high * 4294967296 + this.low;
  }
}

/** Bits that follow a prefix of n ones and a zero. A prefix and its bits fit one window up to 25. */
const varbitWidths = new Uint8Array([0, 3, 6, 9, 12, 18, 25]);
