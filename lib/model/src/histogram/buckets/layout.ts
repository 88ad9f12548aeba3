// Which buckets the spans of a native histogram name: ascending absolute indexes, computed once per span list.
import type { BucketSpan } from "../../histogram.ts";

const noIndexes = new Int32Array(0);
const known = new WeakMap<readonly BucketSpan[], Int32Array>();

/** The ascending bucket indexes of spans. Owned by the cache, do not write to it. */
export function bucketIndexes(spans: readonly BucketSpan[]): Int32Array {
  if (spans.length === 0) return noIndexes;
  let indexes = known.get(spans);
  if (indexes === undefined) {
    let count = 0;
    for (const span of spans) count += span.length;
    indexes = new Int32Array(count);
    let at = 0;
    let index = 0;
    for (const span of spans) {
      index += span.offset;
      for (let i = 0; i < span.length; i++) indexes[at++] = index++;
    }
    known.set(spans, indexes);
  }
  return indexes;
}

/** Spans for ascending indexes; runs of neighbours become one span. */
export function spansOf(indexes: Int32Array): readonly BucketSpan[] {
  const spans: BucketSpan[] = [];
  let end = 0;
  for (let i = 0; i < indexes.length; ) {
    const start = indexes[i]!;
    let length = 1;
    while (i + length < indexes.length && indexes[i + length] === start + length) length++;
    spans.push({ offset: start - end, length });
    end = start + length;
    i += length;
  }
  if (spans.length > 0) known.set(spans, indexes);
  return spans;
}

/** True if both name the same buckets, however they are cut into spans. */
export function sameIndexes(a: Int32Array, b: Int32Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The index of the bucket of a coarser schema (by `shift`) that holds the bucket `index`. */
export function coarserIndex(index: number, shift: number): number {
  return ((index - 1) >> shift) + 1;
}

/** Ascending union of two index lists. */
export function unionIndexes(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length + b.length);
  let size = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    out[size++] = x < y ? x : y;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  while (i < a.length) out[size++] = a[i++]!;
  while (j < b.length) out[size++] = b[j++]!;
  return out.subarray(0, size);
}
