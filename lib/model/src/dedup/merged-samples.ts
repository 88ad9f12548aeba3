// The series that `fill` puts together: for each sample its time, which replica it is from, and its index there.

/** One sample of the merged series: which replica, which of its samples. */
export interface Merged {
  count: number;
  times: Float64Array;
  replica: Uint8Array;
  index: Uint32Array;
}

/** An empty series with room for so many samples. */
export function emptyMerged(capacity: number): Merged {
  return {
    count: 0,
    times: new Float64Array(capacity),
    replica: new Uint8Array(capacity),
    index: new Uint32Array(capacity),
  };
}

/** Appends a sample; there must be room. */
export function push(into: Merged, time: number, replica: number, index: number): void {
  const at = into.count++;
  into.times[at] = time;
  into.replica[at] = replica;
  into.index[at] = index;
}
