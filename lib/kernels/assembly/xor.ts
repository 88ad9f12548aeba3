// AssemblyScript: XOR chunks in the module's memory, decoded to columns and encoded from them. Needs no memory of its own.
// Built by tools/assembly.mjs; the twins in TypeScript are src/decode-xor.ts and src/encode-xor.ts.

/** The 64 bits from bit `pos` on. */
function bits64(at: u32, pos: u32): u64 {
  const from = at + (pos >>> 3);
  const shift: u64 = pos & 7;
  const first = bswap<u64>(load<u64>(from)) << shift;
  return first | (<u64>load<u8>(from, 8) >>> (8 - shift));
}

/** The bits from bit `pos` on: 57 of them, or more. */
function bits57(at: u32, pos: u32): u64 {
  return bswap<u64>(load<u64>(at + (pos >>> 3))) << (<u64>(pos & 7));
}

/**
 * Decodes the XOR chunk of `length` bytes at `at` into times (f64, ms) and value bits (u64), at most `room`. Returns the
 * number of samples, or -1 where JavaScript should say what is wrong.
 */
export function decodeXor(at: u32, length: u32, times: u32, values: u32, room: u32): i32 {
  if (length < 2) return -1;
  const count: u32 = ((<u32>load<u8>(at)) << 8) | <u32>load<u8>(at, 1);
  if (count === 0) return 0;
  if (count * 2 > length * 8 || count > room) return -1;
  const limit = at + length;
  let from = at + 2;
  let zigzag: u64 = 0;
  for (let shift: u64 = 0; ; shift += 7) {
    if (from >= limit || shift > 42) return -1;
    const byte: u64 = load<u8>(from++);
    zigzag |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  let time: f64 = <f64>(<i64>(zigzag >>> 1) ^ -(<i64>(zigzag & 1)));
  if (from + 8 > limit) return -1;
  let value = bswap<u64>(load<u64>(from));
  from += 8;
  store<f64>(times, time);
  store<u64>(values, value);
  if (count === 1) return 1;
  let first: u64 = 0;
  for (let shift: u64 = 0; ; shift += 7) {
    if (from >= limit || shift > 42) return -1;
    const byte: u64 = load<u8>(from++);
    first |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  let delta: f64 = <f64>first;
  const end = length * 8;
  let pos = (from - at) * 8;
  let trailing: u64 = 0;
  let significant: u64 = 64;
  for (let i: u32 = 1; i < count; i++) {
    let window = bits57(at, pos);
    if (i > 1) {
      if (<i64>window >= 0) {
        pos += 1;
        window <<= 1;
      } else if (window >>> 62 === 2) {
        const dod = <i32>((window << 2) >>> 50);
        delta += <f64>(dod > 8192 ? dod - 16384 : dod);
        pos += 16;
        window <<= 16;
      } else if (window >>> 61 === 6) {
        const dod = <i32>((window << 3) >>> 47);
        delta += <f64>(dod > 65536 ? dod - 131072 : dod);
        pos += 20;
        window <<= 20;
      } else if (window >>> 60 === 14) {
        const dod = <i32>((window << 4) >>> 44);
        delta += <f64>(dod > 524288 ? dod - 1048576 : dod);
        pos += 24;
        window <<= 24;
      } else {
        const dod = <i64>bits64(at, pos + 4);
        delta += <f64>dod;
        pos += 68;
        if (pos > end) return -1;
        window = bits57(at, pos);
      }
    }
    time += delta;
    if (<i64>window >= 0) {
      pos += 1;
    } else {
      if (window >>> 62 === 2) {
        pos += 2;
      } else {
        const leading = (window >>> 57) & 31;
        significant = (window >>> 51) & 63;
        if (significant === 0) significant = 64;
        if (leading + significant > 64) return -1;
        trailing = 64 - leading - significant;
        pos += 13;
      }
      if (pos + <u32>significant > end) return -1;
      value ^= (bits64(at, pos) >>> (64 - significant)) << trailing;
      pos += <u32>significant;
    }
    if (pos > end) return -1;
    times += 8;
    values += 8;
    store<f64>(times, time);
    store<u64>(values, value);
  }
  return count;
}

/**
 * Encodes `count` samples as one XOR chunk at `out`, where 32 + 20 × `count` bytes must be free. Returns its length, or -1
 * where times are not for it (JavaScript does it then).
 */
export function encodeXor(times: u32, values: u32, count: u32, out: u32): i32 {
  if (count > 65535) return -1;
  store<u8>(out, <u8>(count >>> 8));
  store<u8>(out, <u8>count, 1);
  if (count === 0) return 2;
  let at = out + 2;
  let time = load<f64>(times);
  if (!(abs(time) < 2251799813685248.0)) return -1;
  const whole = <i64>time;
  for (let rest = <u64>((whole << 1) ^ (whole >> 63)); ; rest >>>= 7) {
    store<u8>(at++, <u8>(rest < 128 ? rest : (rest & 127) | 128));
    if (rest < 128) break;
  }
  let value = load<u64>(values);
  store<u64>(at, bswap<u64>(value));
  at += 8;
  if (count === 1) return at - out;
  let delta = load<f64>(times, 8) - time;
  if (!(delta >= 0 && delta < 2251799813685248.0)) return -1;
  for (let rest = <u64>delta; ; rest >>>= 7) {
    store<u8>(at++, <u8>(rest < 128 ? rest : (rest & 127) | 128));
    if (rest < 128) break;
  }
  time += delta;

  // Bits wait in `word`, from the top down, until 64 are used.
  let word: u64 = 0;
  let used: u64 = 0;
  let leading: u64 = 255;
  let trailing: u64 = 0;
  for (let i: u32 = 1; i < count; i++) {
    times += 8;
    values += 8;
    let bits: u64 = 0;
    let length: u64 = 0;
    if (i > 1) {
      const now = load<f64>(times);
      const next = now - time;
      const dod = next - delta;
      delta = next;
      time = now;
      length = 1;
      if (dod !== 0) {
        if (dod >= -8191 && dod <= 8192) {
          bits = 0x8000 | (<u64>(<i64>dod) & 0x3fff);
          length = 16;
        } else if (dod >= -65535 && dod <= 65536) {
          bits = 0xc0000 | (<u64>(<i64>dod) & 0x1ffff);
          length = 20;
        } else if (dod >= -524287 && dod <= 524288) {
          bits = 0xe00000 | (<u64>(<i64>dod) & 0xfffff);
          length = 24;
        } else {
          // A prefix and 64 bits.
          if (!(abs(dod) < 2251799813685248.0)) return -1;
          const left = 64 - used;
          if (left > 4) {
            word |= (<u64>15) << (left - 4);
            used += 4;
          } else {
            used = 4 - left;
            store<u64>(at, bswap<u64>(word | (<u64>15 >>> used)));
            at += 8;
            word = used === 0 ? 0 : (<u64>15) << (64 - used);
          }
          const wide = <u64>(<i64>dod);
          store<u64>(at, bswap<u64>(used === 0 ? wide : word | (wide >>> used)));
          at += 8;
          word = used === 0 ? 0 : wide << (64 - used);
          length = 0;
        }
      }
    }
    const newValue = load<u64>(values);
    const x = newValue ^ value;
    value = newValue;
    let significant: u64 = 0;
    if (x === 0) {
      bits <<= 1;
      length += 1;
    } else {
      let lead = clz<u64>(x);
      const trail = ctz<u64>(x);
      if (lead > 31) lead = 31;
      if (leading !== 255 && lead >= leading && trail >= trailing) {
        bits = (bits << 2) | 2;
        length += 2;
      } else {
        leading = lead;
        trailing = trail;
        bits = (bits << 13) | 0x1800 | (lead << 6) | ((64 - lead - trail) & 63);
        length += 13;
      }
      significant = 64 - leading - trailing;
    }
    let left = 64 - used;
    if (length < left) {
      word |= bits << (left - length);
      used += length;
    } else {
      used = length - left;
      store<u64>(at, bswap<u64>(word | (bits >>> used)));
      at += 8;
      word = used === 0 ? 0 : bits << (64 - used);
    }
    if (significant === 0) continue;
    const part = x >>> trailing;
    left = 64 - used;
    if (significant < left) {
      word |= part << (left - significant);
      used += significant;
    } else {
      used = significant - left;
      store<u64>(at, bswap<u64>(word | (part >>> used)));
      at += 8;
      word = used === 0 ? 0 : part << (64 - used);
    }
  }
  store<u64>(at, bswap<u64>(word));
  return at - out + <u32>((used + 7) >>> 3);
}
