// Writes a bit stream, most significant bit first, through an accumulator of 32 bits.

const pair = new Float64Array(1);
const pairWords = new Uint32Array(pair.buffer);

/** A growing bit stream. Words wait in an accumulator; `finish` copies out what was written, zero-padded to a byte. */
export class BitWriter {
  #data: Uint8Array;
  #at = 0;
  #word = 0;
  #used = 0;

  constructor(capacityBytes = 128) {
    this.#data = new Uint8Array(Math.max(8, capacityBytes));
  }

  reset(): void {
    this.#at = 0;
    this.#word = 0;
    this.#used = 0;
  }

  /** Bytes written so far, a begun one included. */
  get byteLength(): number {
    return this.#at + ((this.#used + 7) >>> 3);
  }

  #flush(word: number): void {
    let data = this.#data;
    const at = this.#at;
    if (at + 8 > data.length) {
      data = new Uint8Array(data.length * 2);
      data.set(this.#data);
      this.#data = data;
    }
    data[at] = word >>> 24;
    data[at + 1] = word >>> 16;
    data[at + 2] = word >>> 8;
    data[at + 3] = word;
    this.#at = at + 4;
  }

  /** Appends the low `count` (1 to 32) bits of `value`; bits above must be zero unless `count` is 32. */
  bits(value: number, count: number): void {
    const left = 32 - this.#used - count;
    if (left > 0) {
      this.#word |= value << left;
      this.#used += count;
      return;
    }
    this.#flush(this.#word | (value >>> -left));
    this.#word = left === 0 ? 0 : value << (32 + left);
    this.#used = 0 - left;
  }

  /** Appends `count` (1 to 64) bits given as two words. */
  bits64(high: number, low: number, count = 64): void {
    if (count > 32) {
      this.bits(count === 64 ? high : high & (2 ** (count - 32) - 1), count - 32);
      this.bits(low, 32);
    } else {
      this.bits(count === 32 ? low : low & (2 ** count - 1), count);
    }
  }

  /** Appends a number as 64 bits, two's complement. */
  int64(value: number): void {
    this.bits(Math.floor(value / 4294967296) >>> 0, 32);
    this.bits(value - Math.floor(value / 4294967296) * 4294967296, 32);
  }

  float64(value: number): void {
    pair[0] = value;
    this.bits(pairWords[1]!, 32);
    this.bits(pairWords[0]!, 32);
  }

  byte(value: number): void {
    this.bits(value & 255, 8);
  }

  uvarint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bits((rest % 128) | 128, 8);
      rest = Math.floor(rest / 128);
    }
    this.bits(rest, 8);
  }

  varint(value: number): void {
    this.uvarint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** Prometheus' `varbit_int`. The range of n bits is −(2^(n−1)−1) … 2^(n−1). */
  varbitInt(value: number): void {
    if (value === 0) this.bits(0, 1);
    else if (value >= -3 && value <= 4) this.bits(0b10_000 | (value & 7), 5);
    else if (value >= -31 && value <= 32) this.bits(0b110_000000 | (value & 63), 9);
    else if (value >= -255 && value <= 256) this.bits((0b1110 << 9) | (value & 511), 13);
    else if (value >= -2047 && value <= 2048) this.bits((0b11110 << 12) | (value & 4095), 17);
    else if (value >= -131071 && value <= 131072)
      this.bits((0b111110 << 18) | (value & 262143), 24);
    else if (value >= -16777215 && value <= 16777216)
      this.bits((0b1111110 << 25) | (value & 33554431), 32);
    else if (value > -(2 ** 55) && value <= 2 ** 55) {
      this.bits(0b11111110, 8);
      const high = Math.floor(value / 4294967296);
      this.bits(high & 0xffffff, 24);
      this.bits(value - high * 4294967296, 32);
    } else {
      this.bits(0b11111111, 8);
      this.int64(value);
    }
  }

  /** Prometheus' `varbit_uint`. */
  varbitUint(value: number): void {
    if (value === 0) this.bits(0, 1);
    else if (value < 8) this.bits(0b10_000 | value, 5);
    else if (value < 64) this.bits(0b110_000000 | value, 9);
    else if (value < 512) this.bits((0b1110 << 9) | value, 13);
    else if (value < 4096) this.bits((0b11110 << 12) | value, 17);
    else if (value < 262144) this.bits((0b111110 << 18) | value, 24);
    else if (value < 33554432) this.bits((0b1111110 << 25) | value, 32);
    else if (value < 72057594037927936) {
      this.bits(0b11111110, 8);
      this.bits(Math.floor(value / 4294967296), 24);
      this.bits(value % 4294967296, 32);
    } else {
      this.bits(0b11111111, 8);
      this.bits(Math.floor(value / 4294967296), 32);
      this.bits(value % 4294967296, 32);
    }
  }

  /** Overwrites one byte that is already complete or begun (headers with counts). */
  patchByte(at: number, value: number): void {
    if (at < this.#at) {
      this.#data[at] = value;
      return;
    }
    const shift = 24 - 8 * (at - this.#at);
    this.#word = (this.#word & ~(255 << shift)) | ((value & 255) << shift);
  }

  /** A copy of what was written so far; writing may go on. */
  finish(): Uint8Array {
    const out = new Uint8Array(this.byteLength);
    this.copyInto(out, 0);
    return out;
  }

  /** Writes the stream to `out` from `at` on; there must be room for `byteLength` bytes. */
  copyInto(out: Uint8Array, at: number): void {
    out.set(this.#data.subarray(0, this.#at), at);
    let to = at + this.#at;
    for (let used = this.#used, word = this.#word; used > 0; used -= 8, word <<= 8) {
      out[to++] = word >>> 24;
    }
  }
}
