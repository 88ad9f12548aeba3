// Snappy's block format, compressing: greedy matches found by a hash of the next four bytes, 64 KiB at a time.
//
//   block:  plain length (uvarint)  element*
//   literal  (n-1)<<2        , n ≤ 60; or 60<<2 / 61<<2 with n-1 in one or two bytes;  then n bytes
//   copy     (n-4)<<2 | (offset>>8)<<5 | 1,  offset & 255          4 ≤ n ≤ 11, offset < 2048
//   copy     (n-1)<<2 | 2,  offset (2, little endian)              1 ≤ n ≤ 64, offset < 65536

const hashBitsMin = 8;
const hashBitsMax = 14;
const fragmentBytes = 65_536;

/** Most bytes that a block of so many plain bytes can take. */
export function snappyBytesMax(plainBytes: number): number {
  return 32 + plainBytes + Math.ceil(plainBytes / 6);
}

/** Compresses blocks; keeps its memory from one to the next. */
export class SnappyEncoder {
  readonly #table = new Uint16Array(1 << hashBitsMax);
  #out: Uint8Array = new Uint8Array(0);

  /** Appends the block of `data[start, end)` to `out` at `at`; returns where it ends. `out` must have room. */
  encodeInto(data: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
    let to = at;
    let size = end - start;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (; size >= 128; size = Math.floor(size / 128)) out[to++] = (size % 128) | 128;
    out[to++] = size;
    for (let from = start; from < end; from += fragmentBytes) {
      const stop = Math.min(end, from + fragmentBytes);
      const bits = Math.min(Math.max(32 - Math.clz32(stop - from), hashBitsMin), hashBitsMax);
      const table = this.#table.fill(0, 0, 1 << bits);
      to = compress(data, view, from, stop, out, to, table, 32 - bits);
    }
    return to;
  }

  /** The block of `data`; a view that is valid until the next call. */
  encode(data: Uint8Array): Uint8Array {
    const need = snappyBytesMax(data.length);
    if (this.#out.length < need) this.#out = new Uint8Array(Math.max(4096, 2 * need));
    return this.#out.subarray(0, this.encodeInto(data, 0, data.length, this.#out, 0));
  }
}

function putLiteral(
  data: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  const count = end - from;
  if (count === 0) return at;
  let to = at;
  if (count <= 60) out[to++] = (count - 1) << 2;
  else if (count <= 256) {
    out[to++] = 60 << 2;
    out[to++] = count - 1;
  } else {
    out[to++] = 61 << 2;
    out[to++] = (count - 1) & 255;
    out[to++] = (count - 1) >>> 8;
  }
  if (count > 48) {
    out.set(data.subarray(from, end), to);
    return to + count;
  }
  for (let i = from; i < end; i++) out[to++] = data[i]!;
  return to;
}

function putCopy(offset: number, count: number, out: Uint8Array, at: number): number {
  let to = at;
  let left = count;
  // 68 and more leave at least four bytes for the last copy, which may then be a short one.
  while (left >= 68) {
    out[to++] = (63 << 2) | 2;
    out[to++] = offset & 255;
    out[to++] = offset >>> 8;
    left -= 64;
  }
  if (left > 64) {
    out[to++] = (59 << 2) | 2;
    out[to++] = offset & 255;
    out[to++] = offset >>> 8;
    left -= 60;
  }
  if (left >= 12 || offset >= 2048) {
    out[to++] = ((left - 1) << 2) | 2;
    out[to++] = offset & 255;
    out[to++] = offset >>> 8;
  } else {
    out[to++] = ((offset >>> 8) << 5) | ((left - 4) << 2) | 1;
    out[to++] = offset & 255;
  }
  return to;
}

function compress(
  data: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  table: Uint16Array,
  shift: number,
): number {
  let to = at;
  let literal = start;
  const limit = end - 15; // the last bytes are not worth looking at
  let i = start + 1;
  while (i < limit) {
    // Every 32 misses the steps grow, so that bytes which do not compress cost little.
    let misses = 32;
    let match = -1;
    while (i < limit) {
      const word = view.getInt32(i, true);
      const slot = Math.imul(word, 0x1e35a7bd) >>> shift;
      const candidate = start + table[slot]!;
      table[slot] = i - start;
      if (candidate < i && view.getInt32(candidate, true) === word) {
        match = candidate;
        break;
      }
      i += misses++ >>> 5;
    }
    if (match < 0) break;
    to = putLiteral(data, literal, i, out, to);
    const from = i;
    const offset = i - match;
    i += 4;
    for (const stop = end - 3; i < stop; i += 4) {
      const difference = view.getInt32(i, true) ^ view.getInt32(i - offset, true);
      if (difference !== 0) break;
    }
    while (i < end && data[i] === data[i - offset]) i++;
    to = putCopy(offset, i - from, out, to);
    literal = i;
    if (i < limit)
      table[Math.imul(view.getInt32(i - 1, true), 0x1e35a7bd) >>> shift] = i - 1 - start;
  }
  return putLiteral(data, literal, end, out, to);
}
