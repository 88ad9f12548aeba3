// AssemblyScript: points of series as JSON, `,[1700000000.5,"0.25"]` each, out of columns in the module's memory. The first
// 16 KiB are the module's own. Built by tools/assembly.mjs; the twin of the floats is src/format-float.ts.
//
// Floats are printed as R. Giulietti describes ("The Schubfach way to render doubles"): the shortest decimal that reads back
// as the same float, the closest of those.

/** 10^k from k = −292 on, 128 bits each with the first bit set, rounded up; the high word first. */
const powers: usize = 0;
const powerLeast: i32 = -292;
const powerMost: i32 = 324;
/** Digits of a float before the point is set. */
const digits: usize = 9984;
/** 256 bits in words of 32, lowest first. */
const limbs: usize = 10_048;

const zeros: u64 = 0x3030303030303030;

/** Fills the table. To be called once. */
export function init(): void {
  one();
  for (let k: i32 = 0; k <= powerMost; k++) {
    // 5^55 is the last that fits into 128 bits.
    keep(k, k > 55);
    timesTen();
  }
  one();
  for (let k: i32 = -1; k >= powerLeast; k--) {
    overTen();
    keep(k, true);
  }
}

function one(): void {
  for (let i: usize = 0; i < 28; i += 4) store<u32>(limbs + i, 0);
  store<u32>(limbs, 0x80000000, 28);
}

function keep(k: i32, up: bool): void {
  const at = powers + ((<usize>(k - powerLeast)) << 4);
  const low = load<u64>(limbs, 16) + <u64>up;
  store<u64>(at, load<u64>(limbs, 24) + <u64>(up && low === 0));
  store<u64>(at, low, 8);
}

function timesTen(): void {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(limbs + i) * 10;
    store<u32>(limbs + i, <u32>carry);
    carry >>= 32;
  }
  // The number has grown by three or four bits.
  const shift = 64 - clz<u64>(carry);
  for (let i: usize = 0; i < 28; i += 4)
    store<u32>(limbs + i, <u32>(load<u64>(limbs + i) >> shift));
  store<u32>(limbs, <u32>(((carry << 32) | <u64>load<u32>(limbs, 28)) >> shift), 28);
}

function overTen(): void {
  let rest: u64 = 0;
  for (let i: usize = 32; i > 0; i -= 4) {
    rest = (rest << 32) | <u64>load<u32>(limbs + i - 4);
    store<u32>(limbs + i - 4, <u32>(rest / 10));
    rest %= 10;
  }
  const shift = <u32>clz<u32>(load<u32>(limbs, 28));
  for (let i: usize = 28; i > 0; i -= 4)
    store<u32>(limbs + i, <u32>(load<u64>(limbs + i - 4) >> (32 - shift)));
  store<u32>(limbs, load<u32>(limbs) << shift);
}

/** The upper 64 bits of a product. */
function upper(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/** `factor` times the power, without its lower 128 bits; the last bit is set if one of those was. */
function roundedToOdd(high: u64, low: u64, factor: u64): u64 {
  const carried = upper(low, factor);
  const below = high * factor + carried;
  return (upper(high, factor) + <u64>(below < carried)) | <u64>(below > 1);
}

/** The eight digits of a number below 10^8, a byte each from 0 to 9, the first one lowest. */
function eight(value: u64): u64 {
  const four = (value * 3_518_437_209) >> 45;
  let all = four | ((value - four * 10_000) << 32);
  let part = ((all * 10_486) >> 20) & 0x0000007f0000007f;
  all = part | ((all - part * 100) << 16);
  part = ((all * 103) >> 10) & 0x000f000f000f000f;
  return part | ((all - part * 10) << 8);
}

/** Writes a number from 1 to 10^8 − 1; returns where it ends. Eight bytes are written to. */
function head(at: usize, value: u64): usize {
  const bytes = eight(value);
  const none = ctz<u64>(bytes) & 56;
  store<u64>(at, (bytes | zeros) >> none);
  return at + 8 - <usize>(none >> 3);
}

/** Writes a number without leading zeros, "0" for 0. Up to seven bytes behind it are written to. */
function whole(at: usize, value: u64): usize {
  if (value < 100_000_000) {
    if (value === 0) {
      store<u8>(at, 0x30);
      return at + 1;
    }
    return head(at, value);
  }
  const high = value / 100_000_000;
  let to: usize;
  if (high < 100_000_000) to = head(at, high);
  else {
    const top = high / 100_000_000;
    to = head(at, top);
    store<u64>(to, eight(high - top * 100_000_000) | zeros);
    to += 8;
  }
  store<u64>(to, eight(value - high * 100_000_000) | zeros);
  return to + 8;
}

/** Writes a float as Go does. Up to 32 bytes from `at` on are written to. */
function float(at: usize, value: f64): usize {
  let to = at;
  const bits = reinterpret<u64>(value);
  const magnitude = abs<f64>(value);
  if (<i64>bits < 0 && magnitude === magnitude) store<u8>(to++, 0x2d);
  if (magnitude < 9_007_199_254_740_992) {
    const all = <u64>magnitude;
    if (<f64>all === magnitude) return whole(to, all);
    if (magnitude >= 1e-6 && magnitude < 1e9) {
      const scaled = nearest<f64>(magnitude * 1e6);
      // At most 15 digits: there is no shorter text.
      if (scaled / 1e6 === magnitude) {
        to = whole(to, all);
        const bytes = eight((<u64>scaled - all * 1_000_000) * 100);
        store<u8>(to, 0x2e);
        store<u64>(to, bytes | zeros, 1);
        return to + 9 - <usize>(clz<u64>(bytes) >> 3);
      }
    }
  } else if ((bits & 0x7ff0000000000000) === 0x7ff0000000000000) {
    if (magnitude !== magnitude) {
      store<u32>(at, 0x4e614e);
      return at + 3;
    }
    store<u8>(at, <i64>bits < 0 ? 0x2d : 0x2b);
    store<u32>(at, 0x666e49, 1);
    return at + 4;
  }
  return shortest(to, bits);
}

/** Writes the magnitude of a float that is neither 0 nor infinite. */
function shortest(at: usize, bits: u64): usize {
  const fraction = bits & 0xfffffffffffff;
  const exponent = <i32>((bits >> 52) & 0x7ff);
  const c = exponent === 0 ? fraction : fraction | 0x10000000000000;
  const q = (exponent === 0 ? 1 : exponent) - 1075;
  // Below a power of two the next float is half as far.
  const closer = fraction === 0 && exponent > 1;
  const k = (q * 1_262_611 - (closer ? 524_031 : 0)) >> 22;
  const h = <u64>(q + ((-k * 1_741_647) >> 19) + 1);
  const power = powers + ((<usize>(-k - powerLeast)) << 4);
  const high = load<u64>(power);
  const low = load<u64>(power, 8);
  const odd = c & 1;
  const least = roundedToOdd(high, low, (4 * c - 2 + <u64>closer) << h) + odd;
  const middle = roundedToOdd(high, low, (4 * c) << h);
  const most = roundedToOdd(high, low, (4 * c + 2) << h) - odd;
  const s = middle >> 2;
  if (s >= 10) {
    const tenth = s / 10;
    const below = least <= 40 * tenth;
    const above = 40 * tenth + 40 <= most;
    if (below !== above) return decimal(at, tenth + <u64>above, k + 1);
  }
  const below = least <= 4 * s;
  const above = 4 * s + 4 <= most;
  if (below !== above) return decimal(at, s + <u64>above, k);
  const half = 4 * s + 2;
  const up = middle > half || (middle === half && (s & 1) !== 0);
  return decimal(at, s + <u64>up, k);
}

/** Writes `number` · 10^`exponent`. */
function decimal(at: usize, number: u64, exponent: i32): usize {
  let end = whole(digits, number);
  // Digits before the point.
  const before = <i32>(end - digits) + exponent;
  while (load<u8>(end - 1) === 0x30) end--;
  const count = <i32>(end - digits);
  if (before > 21 || before < -5) return scientific(at, count, before - 1);
  if (before <= 0) {
    store<u64>(at, 0x3030303030302e30);
    copy(at + 2 - before, digits);
    return at + 2 - before + count;
  }
  copy(at, digits);
  if (before < count) {
    store<u8>(at + before, 0x2e);
    copy(at + before + 1, digits + before);
    return at + count + 1;
  }
  for (let i = count; i < before; i++) store<u8>(at + i, 0x30);
  return at + before;
}

/** 24 bytes. */
function copy(to: usize, from: usize): void {
  const a = load<u64>(from);
  const b = load<u64>(from, 8);
  const c = load<u64>(from, 16);
  store<u64>(to, a);
  store<u64>(to, b, 8);
  store<u64>(to, c, 16);
}

function scientific(at: usize, count: i32, exponent: i32): usize {
  store<u8>(at, load<u8>(digits));
  let to = at + 1;
  if (count > 1) {
    store<u8>(to, 0x2e);
    copy(to + 1, digits + 1);
    to += count;
  }
  store<u16>(to, exponent < 0 ? 0x2d65 : 0x2b65);
  to += 2;
  const size = <u64>abs<i32>(exponent);
  if (size < 10) store<u8>(to++, 0x30);
  return whole(to, size);
}

/** Writes `,[1700000000.5,"`, decimals as many as ms need, three where there are any. */
function opening(at: usize, timeMs: f64): usize {
  store<u16>(at, 0x5b2c);
  let to = at + 2;
  const ms = <i64>nearest<f64>(timeMs);
  if (ms < 0) store<u8>(to++, 0x2d);
  const size = <u64>abs<i64>(ms);
  const seconds = size / 1000;
  const rest = size - seconds * 1000;
  to = whole(to, seconds);
  if (rest !== 0) {
    store<u32>(to, <u32>(eight(rest) >> 32) | 0x30303030);
    store<u8>(to, 0x2e);
    to += 4;
  }
  store<u16>(to, 0x222c);
  return to + 2;
}

/** Writes the text before the value of a point at each time, 24 bytes apart, its length in the last of them. */
export function writeOpenings(times: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = out + i * 24;
    store<u8>(at, <u8>(opening(at, load<f64>(times + i * 8)) - at), 23);
  }
}

/**
 * Writes `count` points, 64 bytes each at most; returns where they end. Either the texts before the values are at `openings`, or
 * that is 0 and the times, ms, are at `times`.
 */
export function writePoints(
  values: usize,
  count: u32,
  times: usize,
  openings: usize,
  out: usize,
): usize {
  let at = out;
  let from = openings;
  let last: u64 = 0;
  let start: usize = 0;
  let length: usize = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (openings !== 0) {
      copy(at, from);
      at += <usize>load<u8>(from, 23);
      from += 24;
    } else at = opening(at, load<f64>(times + i * 8));
    const bits = load<u64>(values + i * 8);
    if (bits === last && length !== 0) {
      // Many series stand still: the digits are there already.
      copy(at, start);
      store<u64>(at, load<u64>(start, 24), 24);
      start = at;
    } else {
      start = at;
      length = float(at, reinterpret<f64>(bits)) - at;
      last = bits;
    }
    at += length;
    store<u16>(at, 0x5d22);
    at += 2;
  }
  return at;
}
