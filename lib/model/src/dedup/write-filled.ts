// Writes the samples of a merged series, with stale markers that hold and without counters that lag.
import type { SampleColumns } from "../sample-columns.ts";
import type { Insertion, Merged } from "./merged-samples.ts";
import { StaleMarkers } from "./stale-markers.ts";

/** A newcomer whose counter lags is held back for at most this many of its samples. */
const heldBackMax = 3;
/** How long before or after a newcomer, in ms, a sample may be to tell of a reset. */
const sightMs = 900_000;

/** Writes merged samples with the stale markers that still hold, and holds back counters that lag. */
export function writeFilled(
  replicas: readonly SampleColumns[],
  merged: Merged,
  counter: boolean,
  out: SampleColumns,
): void {
  const stale = new StaleMarkers(replicas);
  let lastReplica = -1;
  let lastIndex = -1;
  let heldBack = 0;
  for (let i = 0; i < merged.count; i++) {
    const replica = merged.replica === null ? 0 : merged.replica[i]!;
    const index = merged.index === null ? i : merged.index[i]!;
    const samples = replicas[replica]!;
    if (
      counter &&
      lastReplica >= 0 &&
      replica !== lastReplica &&
      heldBack < heldBackMax &&
      lags(replicas[lastReplica]!, lastIndex, samples, index)
    ) {
      heldBack++;
      continue;
    }
    stale.writeBefore(merged, i, out);
    out.pushFrom(samples, index);
    heldBack = 0;
    lastReplica = replica;
    lastIndex = index;
  }
  stale.writeBefore(merged, merged.count, out);
}

/** `writeFilled` where no replica has a stale marker: runs of one replica are copied whole. */
export function writeRuns(
  replicas: readonly SampleColumns[],
  merged: Merged,
  counter: boolean,
  out: SampleColumns,
): void {
  const replicaOf = merged.replica;
  const indexOf = merged.index;
  if (replicaOf === null || indexOf === null) {
    // Without stale markers nothing was filled in: these are all samples of the first replica.
    out.pushRange(replicas[0]!, 0, merged.count);
    return;
  }
  let lastReplica = -1;
  let lastIndex = -1;
  let heldBack = 0;
  for (let i = 0; i < merged.count; ) {
    const replica = replicaOf[i]!;
    const index = indexOf[i]!;
    const samples = replicas[replica]!;
    if (
      counter &&
      lastReplica >= 0 &&
      replica !== lastReplica &&
      heldBack < heldBackMax &&
      lags(replicas[lastReplica]!, lastIndex, samples, index)
    ) {
      heldBack++;
      i++;
      continue;
    }
    let length = 1;
    while (
      replicaOf[i + length] === replica &&
      indexOf[i + length] === index + length &&
      i + length < merged.count
    ) {
      length++;
    }
    out.pushRange(samples, index, index + length);
    heldBack = 0;
    lastReplica = replica;
    lastIndex = index + length - 1;
    i += length;
  }
}

/**
 * `writeRuns` for two replicas of which the second is `found` in the holes of the first, without columns of what is
 * from where: a run of the first, an insertion, a run of the first, and so on.
 */
export function writeInsertions(
  first: SampleColumns,
  second: SampleColumns,
  found: readonly Insertion[],
  counter: boolean,
  out: SampleColumns,
): void {
  let taken = 0;
  let last: SampleColumns | null = null;
  let lastIndex = -1;
  const writeRun = (samples: SampleColumns, from: number, to: number): void => {
    let start = from;
    if (counter && last !== null && last !== samples) {
      let heldBack = 0;
      while (start < to && heldBack < heldBackMax && lags(last, lastIndex, samples, start)) {
        heldBack++;
        start++;
      }
    }
    if (start >= to) return;
    out.pushRange(samples, start, to);
    last = samples;
    lastIndex = to - 1;
  };
  for (const { left, from, to } of found) {
    writeRun(first, taken, left + 1);
    taken = left + 1;
    writeRun(second, from, to);
  }
  writeRun(first, taken, first.count);
}

/**
 * True if the newcomer is below the last value although neither saw a reset of its own since then. What lies further away
 * than `sightMs` counts for nothing, so that wide windows and narrow ones are answered alike.
 */
function lags(
  last: SampleColumns,
  lastIndex: number,
  newcomer: SampleColumns,
  index: number,
): boolean {
  if (last.histograms?.[lastIndex] !== undefined || newcomer.histograms?.[index] !== undefined) {
    return false;
  }
  if (!(newcomer.values[index]! < last.values[lastIndex]!)) return false;
  const since = last.times[lastIndex]!;
  const time = newcomer.times[index]!;
  for (let i = index; i > 0 && newcomer.times[i - 1]! >= time - sightMs; i--) {
    const before = newcomer.values[i - 1]!;
    if (newcomer.isStale(i - 1) || newcomer.values[i]! < before) return false;
    if (newcomer.times[i - 1]! <= since) return true;
  }
  // The newcomer has no past: ask whether the other replica goes on without a reset until then.
  const next = lastIndex + 1;
  if (next >= last.count || last.times[next]! > time + sightMs) return false;
  for (let i = next; i < last.count && (i === next || last.times[i]! <= time); i++)
    if (last.isStale(i) || !(last.values[i]! >= last.values[i - 1]!)) return false;
  return true;
}
