// Lowers the schema of buckets read from a chunk with a finer resolution than we compute with.
import type { BucketSpan } from "@deucalion/model";

/** Finest schema that is computed with; chunks may hold finer ones. */
export const finestSchema = 8;

/** Merges absolute bucket counts of `schema` into those of the coarser `target`. */
export function reduceResolution(
  spans: readonly BucketSpan[],
  buckets: Float64Array,
  schema: number,
  target: number,
): { spans: BucketSpan[]; buckets: Float64Array } {
  const out: { offset: number; length: number }[] = [];
  const counts: number[] = [];
  let index = 0;
  let last = 0;
  let at = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++) {
      const merged = Math.floor((index - 1) / 2 ** (schema - target)) + 1;
      const count = buckets[at++]!;
      if (out.length > 0 && merged === last) {
        counts[counts.length - 1] = counts[counts.length - 1]! + count;
        continue;
      }
      if (out.length > 0 && merged === last + 1) out[out.length - 1]!.length++;
      else out.push({ offset: out.length === 0 ? merged : merged - last - 1, length: 1 });
      counts.push(count);
      last = merged;
    }
  }
  return { spans: out, buckets: Float64Array.from(counts) };
}
