// De-duplication by `fill`: stay on one replica and take a slot from another exactly where the first has none.
//
// The replicas come in a fixed order of preference. The samples of the first are all kept; then each further replica
// fills the holes that are left. What happens in a hole depends on the samples within a few scrape intervals of it and
// on nothing else: not on the window that was asked for, nor on the order in which replicas arrived.
//
// A hole lies between neighbours p and q of what is merged so far; the candidates of the next replica within it are
// c0 … ck. With I the local interval, L = (c0 − p)/I and R = (q − ck)/I. A complete replica with n missing slots has n + 1
// samples in the hole if its phase differs and n if it does not: L + R is 1 or 2. So with L + R near 1 the candidate
// nearer to a neighbour belongs to the neighbour's slot and is left out. At the edge of a long hole, whose other end
// may be out of sight, a candidate closer than half an interval belongs to the neighbour's slot (at exactly half: to the
// earlier neighbour's).
import type { SampleColumns } from "../sample-columns.ts";
import { localInterval } from "./interval.ts";

export interface FillOptions {
  /** The series is read as a counter: a newcomer that lags behind is held back instead of faking a reset. */
  readonly counter: boolean;
}

/** Holes up to this length, in ms, are judged by both ends; longer ones by each end alone. */
const coupledHoleMs = 900_000;

/** A newcomer whose counter lags is held back for at most this many of its samples. */
const heldBackMax = 3;

/** One sample of the merged series: which replica, which of its samples. */
interface Merged {
  count: number;
  times: Float64Array;
  replica: Uint8Array;
  index: Uint32Array;
}

function emptyMerged(capacity: number): Merged {
  return {
    count: 0,
    times: new Float64Array(capacity),
    replica: new Uint8Array(capacity),
    index: new Uint32Array(capacity),
  };
}

function push(into: Merged, time: number, replica: number, index: number): void {
  const at = into.count++;
  into.times[at] = time;
  into.replica[at] = replica;
  into.index[at] = index;
}

/** Indices of the samples of a replica that are not stale markers. */
function liveIndices(samples: SampleColumns): Uint32Array {
  const live = new Uint32Array(samples.count);
  let count = 0;
  for (let i = 0; i < samples.count; i++) if (!samples.isStale(i)) live[count++] = i;
  return live.subarray(0, count);
}

/** First position at or after `from` whose time is at least `time`. */
function lowerBound(times: Float64Array, from: number, to: number, time: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True if a stale marker of the samples lies in (from, to): what came before has ended there. */
function endsBetween(staleTimes: Float64Array, from: number, to: number): boolean {
  const at = lowerBound(staleTimes, 0, staleTimes.length, from + 1);
  return at < staleTimes.length && staleTimes[at]! < to;
}

/**
 * Merges the candidates `times[low, high)` of a replica into the hole between merged samples `left` and `left + 1`
 * of `base` (either may be outside). Returns the range of candidates to keep.
 */
function trimCandidates(
  base: Merged,
  left: number,
  times: Float64Array,
  low: number,
  high: number,
  staleTimes: Float64Array,
): [number, number] {
  const right = left + 1;
  const hasLeft = left >= 0;
  const hasRight = right < base.count;
  const previous = hasLeft ? base.times[left]! : Number.NEGATIVE_INFINITY;
  const next = hasRight ? base.times[right]! : Number.POSITIVE_INFINITY;
  const coupled = next - previous <= coupledHoleMs;
  const intervalAt = (side: "left" | "right"): number =>
    localInterval(
      base.times,
      base.replica,
      base.count,
      left,
      times,
      low,
      high,
      coupled ? "both" : side,
    );
  const ended = hasLeft && endsBetween(staleTimes, previous, times[low]!);
  const toLeft = hasLeft && !ended ? (times[low]! - previous) / intervalAt("left") : 2;
  const toRight = hasRight ? (next - times[high - 1]!) / intervalAt("right") : 2;
  if (coupled && toLeft + toRight <= 1.55) {
    if (toLeft + toRight < 0.75) return [low + 1, Math.max(low + 1, high - 1)];
    return toLeft <= toRight ? [low + 1, high] : [low, high - 1];
  }
  const from = toLeft <= 0.5 ? low + 1 : low;
  return [from, toRight < 0.5 ? Math.max(from, high - 1) : high];
}

/** Adds what `samples` (replica number `replica`) has in the holes of `base`. */
function fillFrom(
  base: Merged,
  samples: SampleColumns,
  live: Uint32Array,
  replica: number,
  staleTimes: Float64Array,
): Merged {
  const all = live.length === samples.count;
  const times = all ? samples.times.subarray(0, live.length) : new Float64Array(live.length);
  if (!all) for (let i = 0; i < live.length; i++) times[i] = samples.times[live[i]!]!;
  const out = emptyMerged(base.count + live.length);
  let candidate = 0;
  for (let left = -1; left < base.count; left++) {
    if (left >= 0) {
      push(out, base.times[left]!, base.replica[left]!, base.index[left]!);
      while (candidate < live.length && times[candidate]! <= base.times[left]!) candidate++;
    }
    const end =
      left + 1 < base.count
        ? lowerBound(times, candidate, live.length, base.times[left + 1]!)
        : live.length;
    if (end > candidate && !isRegular(base.times, base.count, left, times, candidate, end)) {
      const [from, to] = trimCandidates(base, left, times, candidate, end, staleTimes);
      for (let i = from; i < to; i++) push(out, times[i]!, replica, live[i]!);
    }
    candidate = end;
  }
  return out;
}

/**
 * True if the step after `left` is much like the steps around it, and the one candidate in it is that far from its
 * own neighbours too: nothing is missing there. Decides most steps without looking further.
 */
function isRegular(
  base: Float64Array,
  count: number,
  left: number,
  times: Float64Array,
  low: number,
  high: number,
): boolean {
  if (left < 1 || left + 2 >= count || high - low !== 1) return false;
  if (low === 0 || high === times.length) return false;
  const step = base[left + 1]! - base[left]!;
  return (
    step <= 1.25 * (base[left]! - base[left - 1]!) &&
    step <= 1.25 * (base[left + 2]! - base[left + 1]!) &&
    step <= 1.25 * (times[low]! - times[low - 1]!) &&
    step <= 1.25 * (times[high]! - times[low]!)
  );
}

function fewer(replicas: readonly SampleColumns[], out: SampleColumns): boolean {
  if (replicas.length > 1) return false;
  const only = replicas[0];
  if (only !== undefined) out.pushRange(only, 0, only.count);
  return true;
}

/**
 * Appends the de-duplicated samples to `out`. `replicas` are in order of preference, which the caller derives from the
 * replicas' identity (the values of their replica labels). Give some data around the window that matters:
 * decisions look at the three samples on each side.
 */
export function mergeFill(
  replicas: readonly SampleColumns[],
  options: FillOptions,
  out: SampleColumns,
): void {
  const present = replicas.filter((replica) => replica.count > 0);
  if (fewer(present, out)) return;
  const staleTimes = staleTimesOf(present);
  let merged = emptyMerged(0);
  for (let r = 0; r < present.length; r++) {
    const live = liveIndices(present[r]!);
    if (r === 0) {
      merged = emptyMerged(live.length);
      for (const index of live) push(merged, present[0]!.times[index]!, 0, index);
    } else {
      merged = fillFrom(merged, present[r]!, live, r, staleTimes);
    }
  }
  if (staleTimes.length === 0) writeRuns(present, merged, options, out);
  else write(present, merged, options, out);
}

/** Times of all stale markers, ascending. */
function staleTimesOf(replicas: readonly SampleColumns[]): Float64Array {
  const found: number[] = [];
  for (const replica of replicas) {
    for (let i = 0; i < replica.count; i++) if (replica.isStale(i)) found.push(replica.times[i]!);
  }
  return Float64Array.from(found).sort();
}

/** Writes merged samples with the stale markers that still hold, and holds back counters that lag. */
function write(
  replicas: readonly SampleColumns[],
  merged: Merged,
  options: FillOptions,
  out: SampleColumns,
): void {
  const stale = new StaleMarkers(replicas);
  let lastReplica = -1;
  let lastIndex = -1;
  let heldBack = 0;
  for (let i = 0; i < merged.count; i++) {
    const replica = merged.replica[i]!;
    const index = merged.index[i]!;
    const samples = replicas[replica]!;
    if (
      options.counter &&
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

/** `write` where no replica has a stale marker: runs of one replica are copied whole. */
function writeRuns(
  replicas: readonly SampleColumns[],
  merged: Merged,
  options: FillOptions,
  out: SampleColumns,
): void {
  let lastReplica = -1;
  let lastIndex = -1;
  let heldBack = 0;
  for (let i = 0; i < merged.count; ) {
    const replica = merged.replica[i]!;
    const index = merged.index[i]!;
    const samples = replicas[replica]!;
    if (
      options.counter &&
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
      merged.replica[i + length] === replica &&
      merged.index[i + length] === index + length &&
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

/** True if the newcomer is below the last value although it saw no reset of its own since then. */
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
  for (let i = index; i > 0; i--) {
    const before = newcomer.values[i - 1]!;
    if (newcomer.isStale(i - 1) || newcomer.values[i]! < before) return false;
    if (newcomer.times[i - 1]! <= since) return true;
  }
  // The newcomer has no past: ask whether the other replica goes on without a reset.
  return (
    lastIndex + 1 < last.count &&
    !last.isStale(lastIndex + 1) &&
    last.values[lastIndex + 1]! >= last.values[lastIndex]!
  );
}

/** Merged samples at most so many intervals apart have no empty slot between them, whoever they come from. */
const slotFilled = 1.6;

/** Decides which stale markers hold: those in whose slot no replica has a sample. */
class StaleMarkers {
  readonly #replicas: readonly SampleColumns[];
  readonly #order: { readonly replica: number; readonly index: number; readonly time: number }[] =
    [];
  #at = 0;

  constructor(replicas: readonly SampleColumns[]) {
    this.#replicas = replicas;
    for (let r = 0; r < replicas.length; r++) {
      const samples = replicas[r]!;
      for (let i = 0; i < samples.count; i++) {
        if (samples.isStale(i)) this.#order.push({ replica: r, index: i, time: samples.times[i]! });
      }
    }
    this.#order.sort((a, b) => a.time - b.time || a.replica - b.replica);
  }

  /** Writes the marker that ends the run of merged samples before position `next`, if one does. */
  writeBefore(merged: Merged, next: number, out: SampleColumns): void {
    const until = next < merged.count ? merged.times[next]! : Number.POSITIVE_INFINITY;
    // Only the first marker after a sample counts; where no sample precedes, there is nothing to end.
    let written = false;
    for (; this.#at < this.#order.length && this.#order[this.#at]!.time < until; this.#at++) {
      const marker = this.#order[this.#at]!;
      const previous = next > 0 ? merged.times[next - 1]! : Number.NEGATIVE_INFINITY;
      if (next === 0 || written || marker.time <= previous) continue;
      const interval = localInterval(
        merged.times,
        merged.replica,
        merged.count,
        next - 1,
        merged.times,
        0,
        0,
      );
      written = true;
      if (until - previous <= slotFilled * interval) continue;
      out.pushFrom(this.#replicas[marker.replica]!, marker.index);
    }
    // A marker at the very time of a sample says nothing.
    while (this.#at < this.#order.length && this.#order[this.#at]!.time === until) this.#at++;
  }
}
