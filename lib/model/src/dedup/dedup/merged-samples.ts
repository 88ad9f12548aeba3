// The series that `fill` puts together: for each sample its time, which replica it is from, and its index there.
import type { SampleColumns } from "../sample-columns.ts";

/** Columns of the merged samples. They may share memory with a replica's and are not written to. */
export interface Merged {
  readonly count: number;
  readonly times: Float64Array;
  /** Null where all samples are the first replica's. */
  readonly replica: Uint8Array | null;
  /** Null where sample `i` is the first replica's sample `i`. */
  readonly index: Uint32Array | null;
}

/** The samples of the first replica; `live` are those that are not stale markers, null for all. */
export function firstSamples(samples: SampleColumns, live: Uint32Array | null): Merged {
  if (live === null)
    return { count: samples.count, times: samples.times, replica: null, index: null };
  return { count: live.length, times: liveTimes(samples, live), replica: null, index: live };
}

/** Times of the samples that `live` names, null for all. */
export function liveTimes(samples: SampleColumns, live: Uint32Array | null): Float64Array {
  if (live === null) return samples.times.subarray(0, samples.count);
  const times = new Float64Array(live.length);
  for (let i = 0; i < live.length; i++) times[i] = samples.times[live[i]!]!;
  return times;
}

/** Which samples of a replica go into a merged series: after position `left`, candidates `[from, to)`. */
export interface Insertion {
  readonly left: number;
  readonly from: number;
  readonly to: number;
}

/** `base` with insertions of one replica, which come in ascending order. */
export function withInsertions(
  base: Merged,
  insertions: readonly Insertion[],
  times: Float64Array,
  live: Uint32Array | null,
  replica: number,
): Merged {
  let count = base.count;
  for (const { from, to } of insertions) count += to - from;
  const merged = {
    count,
    times: new Float64Array(count),
    replica: new Uint8Array(count),
    index: new Uint32Array(count),
  };
  let taken = 0;
  let at = 0;
  const copyBase = (end: number): void => {
    merged.times.set(base.times.subarray(taken, end), at);
    if (base.replica !== null) merged.replica.set(base.replica.subarray(taken, end), at);
    if (base.index !== null) merged.index.set(base.index.subarray(taken, end), at);
    else for (let i = taken; i < end; i++) merged.index[at + i - taken] = i;
    at += end - taken;
    taken = end;
  };
  for (const { left, from, to } of insertions) {
    copyBase(left + 1);
    merged.times.set(times.subarray(from, to), at);
    for (let i = from; i < to; i++, at++) {
      merged.replica[at] = replica;
      merged.index[at] = live === null ? i : live[i]!;
    }
  }
  copyBase(base.count);
  return merged;
}
