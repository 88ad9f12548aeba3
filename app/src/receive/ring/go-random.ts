// Go's seeded random numbers (math/rand), for choices that every receiver must make alike.
import { goRandomTable } from "./go-random-table.ts";

const length = 607;
const tapStart = 273;
const int31Max = 2147483647;

/** An additive lagged Fibonacci generator; 64-bit numbers come as two words. */
export class GoRandom {
  high = 0;
  low = 0;
  readonly #high = new Uint32Array(length);
  readonly #low = new Uint32Array(length);
  #tap = 0;
  #feed = length - tapStart;

  /** The seed is a signed 64-bit number, given as eight big-endian bytes. */
  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, 8);
    // The rest of a signed number, as Go has it: with the number's sign, then made positive.
    let left = Number(view.getBigInt64(0) % BigInt(int31Max));
    if (left < 0) left += int31Max;
    if (left === 0) left = 89482311;
    const table = Buffer.from(goRandomTable, "base64");
    const next = (x: number): number => {
      const y = 48271 * (x % 44488) - 3399 * Math.floor(x / 44488);
      return y < 0 ? y + int31Max : y;
    };
    let x = left;
    for (let i = -20; i < length; i++) {
      x = next(x);
      if (i < 0) continue;
      // x << 40, the next << 20, and the one after, joined by exclusive or.
      let high = (x << 8) >>> 0;
      let low = 0;
      x = next(x);
      high ^= x >>> 12;
      low ^= x << 20;
      x = next(x);
      low ^= x;
      this.#high[i] = (high ^ table.readUInt32BE(8 * i)) >>> 0;
      this.#low[i] = (low ^ table.readUInt32BE(8 * i + 4)) >>> 0;
    }
  }

  /** Draws the next 64 bits into `high` and `low`. */
  next(): void {
    this.#tap = this.#tap === 0 ? length - 1 : this.#tap - 1;
    this.#feed = this.#feed === 0 ? length - 1 : this.#feed - 1;
    const low = this.#low[this.#feed]! + this.#low[this.#tap]!;
    const carry = low >= 4294967296 ? 1 : 0;
    this.low = low >>> 0;
    this.high = (this.#high[this.#feed]! + this.#high[this.#tap]! + carry) >>> 0;
    this.#low[this.#feed] = this.low;
    this.#high[this.#feed] = this.high;
  }
}
