// The XOR coding of one float column within a bit stream: leading zeros, trailing zeros, the bits between.
import type { BitReader } from "../bits/bit-reader.ts";
import type { BitWriter } from "../bits/bit-writer.ts";
import { KernelError } from "../errors.ts";

/** Writes values by their difference to the one before. State of one column; `high`/`low` hold the last value. */
export class XorValueWriter {
  high = 0;
  low = 0;
  /** 255 until a window has been written. */
  leading = 255;
  trailing = 0;

  /** Writes the value whole and starts from it. */
  first(out: BitWriter, high: number, low: number): void {
    out.bits(high, 32);
    out.bits(low, 32);
    this.high = high | 0;
    this.low = low | 0;
  }

  write(out: BitWriter, high: number, low: number): void {
    const h = (high ^ this.high) | 0;
    const l = (low ^ this.low) | 0;
    if (h === 0 && l === 0) {
      out.bits(0, 1);
      return;
    }
    this.high = high | 0;
    this.low = low | 0;
    this.writeDifference(out, h, l, 0b10, 2, 0b11, 2);
  }

  /** Writes a difference that is not zero, with the given prefixes for "window as before" and "new window". */
  writeDifference(
    out: BitWriter,
    h: number,
    l: number,
    same: number,
    sameBits: number,
    fresh: number,
    freshBits: number,
  ): void {
    let leading = h === 0 ? 32 + Math.clz32(l) : Math.clz32(h);
    const trailing = l === 0 ? 32 + (31 - Math.clz32(h & -h)) : 31 - Math.clz32(l & -l);
    if (leading > 31) leading = 31;
    if (this.leading !== 255 && leading >= this.leading && trailing >= this.trailing) {
      const count = 64 - this.leading - this.trailing;
      if (count + sameBits <= 32) {
        out.bits((same << count) | shifted(h, l, this.trailing), sameBits + count);
      } else {
        out.bits(same, sameBits);
        writeShifted(out, h, l, this.trailing, count);
      }
      return;
    }
    this.leading = leading;
    this.trailing = trailing;
    const significant = 64 - leading - trailing;
    const header = (fresh << 11) | (leading << 6) | (significant & 63);
    if (significant + freshBits + 11 <= 32) {
      const bits = (header << significant) | shifted(h, l, trailing);
      out.bits(bits, freshBits + 11 + significant);
    } else {
      out.bits(header, freshBits + 11);
      writeShifted(out, h, l, trailing, significant);
    }
  }
}

/** (high:low) >>> shift, where that fits 32 bits. */
function shifted(h: number, l: number, shift: number): number {
  if (shift >= 32) return h >>> (shift - 32);
  return shift === 0 ? l : (l >>> shift) | (h << (32 - shift));
}

/** Appends `count` bits of (high:low) >>> shift. */
function writeShifted(out: BitWriter, h: number, l: number, shift: number, count: number): void {
  if (count <= 32) {
    const value =
      shift >= 32
        ? h >>> (shift - 32)
        : shift === 0
          ? l >>> 0
          : (l >>> shift) | (h << (32 - shift));
    out.bits(count === 32 ? value : value & ((1 << count) - 1), count);
    return;
  }
  const low = shift === 0 ? l : (l >>> shift) | (h << (32 - shift));
  out.bits(count === 64 ? h : (h >>> shift) & ((1 << (count - 32)) - 1), count - 32);
  out.bits(low, 32);
}

/** Reads what `XorValueWriter` wrote. State of one column; `high`/`low` hold the last value. */
export class XorValueReader {
  high = 0;
  low = 0;
  #leading = 0;
  #trailing = 0;

  first(from: BitReader): void {
    from.read64();
    this.high = from.high | 0;
    this.low = from.low | 0;
  }

  read(from: BitReader): void {
    const window = from.peek32();
    if (window >= 0) {
      from.bits(1);
      return;
    }
    if ((window & 0x40000000) === 0) {
      from.bits(2);
      this.readSame(from);
    } else {
      from.bits(2);
      this.readFresh(from);
    }
  }

  /** The window's description and its bits. */
  readFresh(from: BitReader): void {
    const header = from.bits(11);
    const leading = header >>> 6;
    const significant = (header & 63) === 0 ? 64 : header & 63;
    const trailing = 64 - leading - significant;
    if (trailing < 0) {
      throw new KernelError("KERNEL_BITS", "XOR window is wider than 64 bits", { at: from.pos });
    }
    this.#leading = leading;
    this.#trailing = trailing;
    this.readSame(from);
  }

  /** The bits of a window as before. */
  readSame(from: BitReader): void {
    const trailing = this.#trailing;
    from.read64(64 - this.#leading - trailing);
    const h = from.high;
    const l = from.low;
    if (trailing === 0) {
      this.high ^= h;
      this.low ^= l;
    } else if (trailing >= 32) {
      this.high ^= l << (trailing - 32);
    } else {
      this.high ^= (h << trailing) | (l >>> (32 - trailing));
      this.low ^= l << trailing;
    }
  }
}
