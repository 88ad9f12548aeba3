// Compresses records as snappy blocks: greedy matches found by a hash of the next four bytes, 64 KiB at a time.

const fragmentBytes = 65_536;
const tableBits = 13;

/** Most bytes that a block of `plainBytes` takes. */
function blockBytesMax(plainBytes: number): number {
  return 32 + plainBytes + Math.ceil(plainBytes / 6);
}

/** Compresses blocks; keeps its memory from one to the next. */
export class SnappyWriter {
  readonly #table = new Uint16Array(1 << tableBits);
  #out: Uint8Array = new Uint8Array(4096);

  /** The block of `data`; a view that is valid until the next call. */
  encode(data: Uint8Array): Uint8Array {
    const need = blockBytesMax(data.length);
    if (this.#out.length < need) this.#out = new Uint8Array(2 * need);
    const out = this.#out;
    let to = 0;
    let size = data.length;
    for (; size >= 128; size >>>= 7) out[to++] = (size & 127) | 128;
    out[to++] = size;
    for (let at = 0; at < data.length; at += fragmentBytes) {
      this.#table.fill(0);
      to = compress(data, at, Math.min(data.length, at + fragmentBytes), out, to, this.#table);
    }
    return out.subarray(0, to);
  }
}

function word(data: Uint8Array, at: number): number {
  return data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
}

function literal(data: Uint8Array, from: number, end: number, out: Uint8Array, at: number): number {
  const count = end - from;
  if (count === 0) return at;
  let to = at;
  if (count <= 60) out[to++] = (count - 1) << 2;
  else if (count <= 256) {
    out[to++] = 240;
    out[to++] = count - 1;
  } else {
    out[to++] = 244;
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

function copy(offset: number, count: number, out: Uint8Array, at: number): number {
  let to = at;
  let left = count;
  while (left > 64) {
    // What is left for the last copy is never below four.
    const part = left >= 68 ? 64 : 60;
    out[to++] = ((part - 1) << 2) | 2;
    out[to++] = offset & 255;
    out[to++] = offset >>> 8;
    left -= part;
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
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  table: Uint16Array,
): number {
  const shift = 32 - tableBits;
  const limit = end - 15;
  let to = at;
  let pending = start;
  let misses = 32;
  for (let i = start + 1; i < limit; ) {
    const four = word(data, i);
    const slot = Math.imul(four, 0x1e35a7bd) >>> shift;
    const candidate = start + table[slot]!;
    table[slot] = i - start;
    if (candidate >= i || word(data, candidate) !== four) {
      i += misses++ >>> 5;
      continue;
    }
    to = literal(data, pending, i, out, to);
    const from = i;
    const offset = i - candidate;
    i += 4;
    while (i < end && data[i] === data[i - offset]) i++;
    to = copy(offset, i - from, out, to);
    pending = i;
    misses = 32;
  }
  return literal(data, pending, end, out, to);
}
