// XOR chunks (Gorilla): bytes to columns of times and values.
//
// BE16 count; sample 0: varint t, float64; sample 1: uvarint Δt, xor; then Δ² with a prefix
//   0 → 0   10 → 14 bits   110 → 17   1110 → 20   1111 → 64,   each followed by xor:
//   0 → same   10 → window as before   11 → 5 bits leading, 6 bits significant (0 is 64), the bits.
import { KernelError } from "../errors.ts";

/** What a decoder of floats fills: growing columns, bits and all. `SampleColumns` of the model is one. */
export interface FloatColumns {
  count: number;
  times: Float64Array;
  /** Alias of the values: two words a sample, low word first. */
  valueBits: Uint32Array;
  reserve(extra: number): void;
}

/** A sample takes 19 bytes at most, and a window looks 5 bytes ahead. */
const slackBytes = 32;

/** Places in bits must be small integers. */
const offsetMax = 1 << 27;

// Chunks come one after the other out of the same bytes: a view for each would be as much garbage as the samples.
let lastData: Uint8Array | null = null;
let lastView: DataView = new DataView(new ArrayBuffer(0));

function truncated(at: number): never {
  throw new KernelError("KERNEL_TRUNCATED", "XOR chunk ends too early", { at });
}

/**
 * Appends the samples of the XOR chunk `data[offset, offset + length)` to `out` and returns how many were added.
 * Reads in place and keeps no reference but to bytes it looked at last. On an error (KERNEL_TRUNCATED, KERNEL_BITS) `out.count` is unchanged.
 */
export function decodeXorInto(
  data: Uint8Array,
  offset: number,
  length: number,
  out: FloatColumns,
): number {
  if (length < 2) truncated(0);
  const count = (data[offset]! << 8) | data[offset + 1]!;
  if (count === 0) return 0;
  // Two bits are the least a sample takes, so the header cannot make us allocate more than the bytes promise.
  if (count * 2 > length * 8) truncated(length);
  out.reserve(count);
  if (data.length - offset - length < slackBytes) {
    const padded = new Uint8Array(length + slackBytes);
    padded.set(data.subarray(offset, offset + length));
    const view = new DataView(padded.buffer);
    decodeSamples(view, 0, length, count, out.times, out.valueBits, out.count);
  } else if (offset + length < offsetMax) {
    if (data !== lastData) {
      lastData = data;
      lastView = new DataView(data.buffer, data.byteOffset, data.length);
    }
    decodeSamples(lastView, offset, offset + length, count, out.times, out.valueBits, out.count);
  } else {
    const view = new DataView(data.buffer, data.byteOffset + offset, length + slackBytes);
    decodeSamples(view, 0, length, count, out.times, out.valueBits, out.count);
  }
  out.count += count;
  return count;
}

/** Reads a LEB128 number; `at` is in bytes, the result's length in `varintEnd`. */
function readUvarint(view: DataView, from: number, limit: number): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    if (from + i >= limit) truncated(from);
    const byte = view.getUint8(from + i);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw new KernelError("KERNEL_BITS", "varint is longer than 64 bits", { at: from });
}

function uvarintEnd(view: DataView, from: number): number {
  let at = from;
  while (view.getUint8(at++) >= 0x80);
  return at;
}

function decodeSamples(
  view: DataView,
  from: number,
  stop: number,
  count: number,
  times: Float64Array,
  bits: Uint32Array,
  first: number,
): void {
  const sign = view.getUint8(from + 2) & 1;
  const half = Math.floor((readUvarint(view, from + 2, stop) - sign) / 2);
  let t = sign === 1 ? -half - 1 : half;
  let at = uvarintEnd(view, from + 2);
  if (at + 8 > stop) truncated(at - from);
  let high = view.getInt32(at);
  let low = view.getInt32(at + 4);
  at += 8;
  let to = first;
  times[to] = t;
  bits[2 * to] = low;
  bits[2 * to + 1] = high;
  if (count === 1) return;

  let delta = readUvarint(view, at, stop);
  at = uvarintEnd(view, at);
  const end = stop * 8;
  let pos = at * 8;
  let leading = 0;
  let trailing = 0;
  let significant = 64;
  const last = first + count;
  // Sample 1 has no Δ²; -1 marks that its window begins with the value.
  let used = -1;
  for (to = first + 1; to < last; to++) {
    let byte = pos >>> 3;
    let shift = pos & 7;
    let window = (view.getInt32(byte) << shift) | (view.getUint8(byte + 4) >>> (8 - shift));
    if (used < 0) {
      used = 0;
    } else if (window >= 0) {
      used = 1;
      window <<= 1;
    } else if ((window & 0x40000000) === 0) {
      const dod = (window << 2) >>> 18;
      delta += dod > 8192 ? dod - 16384 : dod;
      used = 16;
      window <<= 16;
    } else {
      if ((window & 0x20000000) === 0) {
        const dod = (window << 3) >>> 15;
        delta += dod > 65536 ? dod - 131072 : dod;
        pos += 20;
      } else if ((window & 0x10000000) === 0) {
        const dod = (window << 4) >>> 12;
        delta += dod > 524288 ? dod - 1048576 : dod;
        pos += 24;
      } else {
        pos += 4;
        byte = pos >>> 3;
        shift = pos & 7;
        const upper = (view.getInt32(byte) << shift) | (view.getUint8(byte + 4) >>> (8 - shift));
        const lower =
          (view.getInt32(byte + 4) << shift) | (view.getUint8(byte + 8) >>> (8 - shift));
        delta += upper * 4294967296 + (lower >>> 0);
        pos += 64;
      }
      byte = pos >>> 3;
      shift = pos & 7;
      window = (view.getInt32(byte) << shift) | (view.getUint8(byte + 4) >>> (8 - shift));
      used = 0;
    }
    t += delta;
    if (window >= 0) {
      pos += used + 1;
    } else {
      if ((window & 0x40000000) === 0) {
        pos += used + 2;
      } else {
        leading = (window >>> 25) & 31;
        significant = (window >>> 19) & 63;
        if (significant === 0) significant = 64;
        trailing = 64 - leading - significant;
        if (trailing < 0) {
          throw new KernelError("KERNEL_BITS", "XOR window is wider than 64 bits", { at: pos });
        }
        pos += used + 13;
      }
      byte = pos >>> 3;
      shift = pos & 7;
      window = (view.getInt32(byte) << shift) | (view.getUint8(byte + 4) >>> (8 - shift));
      pos += significant;
      if (significant <= 32) {
        const x = window >>> (32 - significant);
        if (trailing >= 32) {
          high ^= x << (trailing - 32);
        } else {
          low ^= x << trailing;
          if (trailing > 0) high ^= x >>> (32 - trailing);
        }
      } else {
        const upper = window >>> (64 - significant);
        byte = (pos - 32) >>> 3;
        shift = (pos - 32) & 7;
        const lower = (view.getInt32(byte) << shift) | (view.getUint8(byte + 4) >>> (8 - shift));
        if (trailing === 0) {
          high ^= upper;
          low ^= lower;
        } else {
          high ^= (upper << trailing) | (lower >>> (32 - trailing));
          low ^= lower << trailing;
        }
      }
    }
    if (pos > end) truncated((pos >>> 3) - from);
    times[to] = t;
    bits[2 * to] = low;
    bits[2 * to + 1] = high;
  }
}
