// A hash of label bytes for the table of series, and their comparison: four bytes a step.

/** 32 bits, unsigned; not for anything that leaves the process. */
export function hashLabels(data: DataView, start: number, end: number): number {
  let hash = (end - start) ^ 0x2f0b4a27;
  let at = start;
  for (const stop = end - 3; at < stop; at += 4) {
    hash = Math.imul(hash ^ data.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ data.getUint8(at), 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** True if `a[start, end)` is what lies in `b` from `from` on; both ranges are there. */
export function equalRange(
  a: DataView,
  start: number,
  end: number,
  b: DataView,
  from: number,
): boolean {
  let i = start;
  let j = from;
  for (const stop = end - 3; i < stop; i += 4, j += 4) {
    if (a.getInt32(i, true) !== b.getInt32(j, true)) return false;
  }
  for (; i < end; i++, j++) if (a.getUint8(i) !== b.getUint8(j)) return false;
  return true;
}

/** Views of arrays: the last one is kept, since many ranges of one array follow each other. */
export class LastView {
  #data: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#data.buffer);

  of(data: Uint8Array): DataView {
    if (this.#data !== data) {
      this.#data = data;
      this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    return this.#view;
  }
}
