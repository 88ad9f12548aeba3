// The inner loops of aggregations over floats: one row into the arrays of its group, with Prometheus' sums.

const largest = Number.MAX_VALUE;

/** The arrays of a group that averages and variances work on. */
export interface FoldArrays {
  readonly row: { readonly values: Float64Array; readonly present: Uint8Array };
  extra: Float64Array | null;
  counts: Float64Array | null;
  means: Float64Array | null;
}

/** Adds a row to compensated sums; `rests` takes what the sums cannot hold. */
export function sumInto(
  sums: Float64Array,
  known: Uint8Array,
  rests: Float64Array,
  values: Float64Array,
  present: Uint8Array,
  from = 0,
  to = present.length,
): void {
  for (let i = from; i < to; i++) {
    if (present[i] === 0) continue;
    const value = values[i]!;
    if (known[i] === 0) {
      known[i] = 1;
      sums[i] = value;
      continue;
    }
    const sum = sums[i]!;
    const total = sum + value;
    if (total > largest || total < -largest) rests[i] = 0;
    else if (Math.abs(sum) >= Math.abs(value)) rests[i]! += sum - total + value;
    else rests[i]! += value - total + sum;
    sums[i] = total;
  }
}

/** Adds a row to averages: compensated sums, and an incremental mean for steps whose sum overflows. */
export function averageInto(
  group: FoldArrays,
  row: { readonly values: Float64Array; readonly present: Uint8Array },
  from = 0,
  to = row.present.length,
): void {
  const sums = group.row.values;
  const known = group.row.present;
  const steps = known.length;
  if (group.extra === null) group.extra = new Float64Array(steps);
  if (group.counts === null) group.counts = Float64Array.from(known);
  const { extra: rests, counts } = group;
  const { values, present } = row;
  for (let i = from; i < to; i++) {
    if (present[i] === 0) continue;
    const value = values[i]!;
    if (known[i] === 0) {
      known[i] = 1;
      sums[i] = value;
      counts[i] = 1;
      continue;
    }
    counts[i]!++;
    if (group.means === null || Number.isNaN(group.means[i]!)) {
      const sum = sums[i]!;
      const total = sum + value;
      if (total <= largest && total >= -largest) {
        if (Math.abs(sum) >= Math.abs(value)) rests[i]! += sum - total + value;
        else rests[i]! += value - total + sum;
        sums[i] = total;
        continue;
      }
      if (Number.isNaN(total)) {
        sums[i] = total;
        rests[i] = total;
        continue;
      }
      beginMean(group, i);
    }
    addToMean(group, i, value);
  }
}

function beginMean(group: FoldArrays, step: number): void {
  if (group.means === null) {
    group.means = new Float64Array(group.row.values.length).fill(Number.NaN);
  }
  const before = group.counts![step]! - 1;
  group.means[step] = group.row.values[step]! / before;
  group.extra![step]! /= before;
}

function addToMean(group: FoldArrays, step: number, value: number): void {
  const count = group.counts![step]!;
  const share = (count - 1) / count;
  const kept = share * group.means![step]!;
  const added = value / count;
  const total = kept + added;
  let rest = share * group.extra![step]!;
  if (total > largest || total < -largest) rest = 0;
  else if (Math.abs(kept) >= Math.abs(added)) rest += kept - total + added;
  else rest += added - total + kept;
  group.extra![step] = rest;
  group.means![step] = total;
  // A NaN mean stays NaN whichever way it is computed, so it may pass for "not incremental".
  if (Number.isNaN(total)) group.row.values[step] = total;
}

/** Turns sums into averages. */
export function finishAverage(group: FoldArrays): void {
  const { counts, extra, means } = group;
  if (counts === null || extra === null) return;
  const { values, present } = group.row;
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    if (means !== null && !Number.isNaN(means[i]!)) values[i] = means[i]! + extra[i]!;
    else values[i] = values[i]! / counts[i]! + extra[i]! / counts[i]!;
  }
}

/** Counts a row's samples. */
export function countInto(counts: Float64Array, known: Uint8Array, present: Uint8Array): void {
  for (let i = 0; i < present.length; i++) {
    if (present[i] === 0) continue;
    counts[i] = known[i] === 0 ? 1 : counts[i]! + 1;
    known[i] = 1;
  }
}

/** Keeps the larger; NaN gives way to anything. */
export function maxInto(
  best: Float64Array,
  known: Uint8Array,
  values: Float64Array,
  present: Uint8Array,
  from = 0,
  to = present.length,
): void {
  for (let i = from; i < to; i++) {
    if (present[i] === 0) continue;
    const value = values[i]!;
    const now = best[i]!;
    if (known[i] === 0 || now < value || Number.isNaN(now)) best[i] = value;
    known[i] = 1;
  }
}

/** Keeps the smaller; NaN gives way to anything. */
export function minInto(
  best: Float64Array,
  known: Uint8Array,
  values: Float64Array,
  present: Uint8Array,
  from = 0,
  to = present.length,
): void {
  for (let i = from; i < to; i++) {
    if (present[i] === 0) continue;
    const value = values[i]!;
    const now = best[i]!;
    if (known[i] === 0 || now > value || Number.isNaN(now)) best[i] = value;
    known[i] = 1;
  }
}

/** Makes sums of squares, means (`extra`) and counts of the first row of a group. */
export function startVariance(group: FoldArrays): void {
  const { values, present } = group.row;
  group.extra = values.slice();
  group.counts = Float64Array.from(present);
  for (let i = 0; i < values.length; i++) values[i] = values[i]! - values[i]!;
}

/** Welford's step for a row. */
export function varianceInto(
  group: FoldArrays,
  values: Float64Array,
  present: Uint8Array,
  from = 0,
  to = present.length,
): void {
  const squares = group.row.values;
  const known = group.row.present;
  const means = group.extra!;
  const counts = group.counts!;
  for (let i = from; i < to; i++) {
    if (present[i] === 0) continue;
    const value = values[i]!;
    if (known[i] === 0) {
      known[i] = 1;
      counts[i] = 1;
      means[i] = value;
      squares[i] = value - value;
      continue;
    }
    counts[i]!++;
    const delta = value - means[i]!;
    means[i]! += delta / counts[i]!;
    squares[i]! += delta * (value - means[i]!);
  }
}
