// Brings two bucket layouts of the same schema together.
import type { BucketSpan } from "@deucalion/model";

/** Both layouts in one. Positions say where each bucket of a layout is within the union. */
export interface BucketUnion {
  /** `a` lacks buckets of `b`. */
  readonly extendsA: boolean;
  /** `b` lacks buckets of `a`. */
  readonly extendsB: boolean;
  readonly size: number;
  readonly positionsA: Uint32Array;
  readonly positionsB: Uint32Array;
  /** Spans of the union, neighbouring buckets in one span. */
  readonly spans: readonly BucketSpan[];
}

/** Bucket numbers that spans name, in order. */
export function bucketIndices(spans: readonly BucketSpan[]): number[] {
  const out: number[] = [];
  let index = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++) out.push(index++);
  }
  return out;
}

/** The union of two layouts. */
export function uniteBuckets(a: readonly BucketSpan[], b: readonly BucketSpan[]): BucketUnion {
  const left = bucketIndices(a);
  const right = bucketIndices(b);
  const positionsA = new Uint32Array(left.length);
  const positionsB = new Uint32Array(right.length);
  const spans: { offset: number; length: number }[] = [];
  let last = 0;
  let size = 0;
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const x = left[i] ?? Number.POSITIVE_INFINITY;
    const y = right[j] ?? Number.POSITIVE_INFINITY;
    const bucket = Math.min(x, y);
    if (x === bucket) positionsA[i++] = size;
    if (y === bucket) positionsB[j++] = size;
    const span = spans.at(-1);
    if (span !== undefined && bucket === last + 1) span.length++;
    else spans.push({ offset: span === undefined ? bucket : bucket - last - 1, length: 1 });
    last = bucket;
    size++;
  }
  const extendsA = size > left.length;
  return { extendsA, extendsB: size > right.length, size, positionsA, positionsB, spans };
}

/** Counts at their places in the union, zero elsewhere. */
export function spreadBuckets(
  counts: Float64Array,
  positions: Uint32Array,
  size: number,
): Float64Array {
  const out = new Float64Array(size);
  for (let i = 0; i < positions.length; i++) out[positions[i]!] = counts[i]!;
  return out;
}

/** True if any bucket's count falls from `a` to `b`, or a bucket that `a` had counts in is gone. */
export function bucketsFell(union: BucketUnion, a: Float64Array, b: Float64Array): boolean {
  const before = spreadBuckets(a, union.positionsA, union.size);
  const after = spreadBuckets(b, union.positionsB, union.size);
  for (let i = 0; i < union.size; i++) if (before[i]! > after[i]!) return true;
  return false;
}
