// Plans few reads for many ranges.

/** Reads that cover a list of ranges. */
export interface ReadPlan {
  readonly count: number;
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Which read holds each range. */
  readonly readOf: Uint32Array;
}

/**
 * Joins `count` ranges [starts[i], ends[i]), ascending by start, across gaps of up to `gapMax`. A read grows past
 * `bytesMax` only for a single range.
 */
export function planReads(
  starts: Float64Array,
  ends: Float64Array,
  count: number,
  gapMax: number,
  bytesMax: number,
): ReadPlan {
  const from = new Float64Array(count);
  const to = new Float64Array(count);
  const readOf = new Uint32Array(count);
  let reads = 0;
  for (let i = 0; i < count; i++) {
    const start = starts[i]!;
    const end = ends[i]!;
    const last = reads - 1;
    if (
      last >= 0 &&
      start <= to[last]! + gapMax &&
      Math.max(end, to[last]!) - from[last]! <= bytesMax
    ) {
      if (end > to[last]!) to[last] = end;
      readOf[i] = last;
      continue;
    }
    from[reads] = start;
    to[reads] = end;
    readOf[i] = reads++;
  }
  return { count: reads, from, to, readOf };
}
