// Lists of series references, ascending, as typed arrays: reading them and set operations on them.
//
// On disk: BE32 length, BE32 count, count × BE32 reference, CRC-32C.
import { TsdbError } from "../errors.ts";
import { checkFrame } from "./toc.ts";

export const noPostings = new Uint32Array(0);

/** Reads the list at `offset` of `data`. Throws TSDB_INDEX_DATA or TSDB_INDEX_CHECKSUM. */
export function readPostings(data: Uint8Array, offset: number): Uint32Array {
  const { start, end } = checkFrame(data, offset, "postings");
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const count = end - start < 4 ? -1 : view.getUint32(start);
  if (count < 0 || 4 + 4 * count !== end - start) {
    throw new TsdbError("TSDB_INDEX_DATA", "read postings: count does not fit", { offset, count });
  }
  const out = new Uint32Array(count);
  for (let i = 0, at = start + 4; i < count; i++, at += 4) out[i] = view.getUint32(at);
  return out;
}

/** References that are in both. */
export function intersectPostings(a: Uint32Array, b: Uint32Array): Uint32Array {
  const [small, large] = a.length <= b.length ? [a, b] : [b, a];
  const out = new Uint32Array(small.length);
  let count = 0;
  let j = 0;
  const leap = large.length > 32 * small.length;
  for (let i = 0; i < small.length && j < large.length; i++) {
    const want = small[i]!;
    if (leap) j = lowerBound(large, want, j);
    else while (j < large.length && large[j]! < want) j++;
    if (large[j] === want) out[count++] = want;
  }
  return out.subarray(0, count);
}

/** References of `a` that are not in `b`. */
export function subtractPostings(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0 || b.length === 0) return a;
  const out = new Uint32Array(a.length);
  let count = 0;
  let j = 0;
  for (let i = 0; i < a.length; i++) {
    const value = a[i]!;
    while (j < b.length && b[j]! < value) j++;
    if (b[j] !== value) out[count++] = value;
  }
  return out.subarray(0, count);
}

/** References that are in any of the lists, once each. */
export function mergePostings(lists: readonly Uint32Array[]): Uint32Array {
  const filled = lists.filter((list) => list.length > 0);
  if (filled.length === 0) return noPostings;
  if (filled.length === 1) return filled[0]!;
  if (filled.length === 2) return mergeTwo(filled[0]!, filled[1]!);
  const total = filled.reduce((sum, list) => sum + list.length, 0);
  const all = new Uint32Array(total);
  let at = 0;
  for (const list of filled) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  let count = 0;
  for (let i = 0; i < total; i++) {
    if (count === 0 || all[i] !== all[count - 1]) all[count++] = all[i]!;
  }
  return all.subarray(0, count);
}

function mergeTwo(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(a.length + b.length);
  let count = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    out[count++] = x <= y ? x : y;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  while (i < a.length) out[count++] = a[i++]!;
  while (j < b.length) out[count++] = b[j++]!;
  return out.subarray(0, count);
}

/** Index of the first element at or above `want`, from `from` on, by doubling steps. */
function lowerBound(list: Uint32Array, want: number, from: number): number {
  let step = 1;
  let low = from;
  let high = from;
  while (high < list.length && list[high]! < want) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  if (high > list.length) high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < want) low = middle + 1;
    else high = middle;
  }
  return low;
}
