// Finds the holes of a merged series and what another replica has for them.
//
// A hole lies between neighbours p and q of what is merged so far; the candidates of the next replica within it are
// c0 … ck. With I the local interval, L = (c0 − p)/I and R = (q − ck)/I. A complete replica with n missing slots has n + 1
// samples in the hole if its phase differs and n if it does not: L + R is 1 or 2. So with L + R near 1 the candidate
// nearer to a neighbour belongs to the neighbour's slot and is left out. At the edge of a long hole, whose other end
// may be out of sight, a candidate closer than half an interval belongs to the neighbour's slot (at exactly half: to the
// earlier neighbour's).
import type { SampleColumns } from "../sample-columns.ts";
import { localInterval } from "./interval.ts";
import {
  firstSamples,
  type Insertion,
  liveTimes,
  type Merged,
  withInsertions,
} from "./merged-samples.ts";

/** Holes up to this length, in ms, are judged by both ends; longer ones by each end alone. */
const coupledHoleMs = 900_000;

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

/** Adds what a replica (number `replica`; `live` null for all its samples) has in the holes of `base`. */
export function fillFrom(
  base: Merged,
  samples: SampleColumns,
  live: Uint32Array | null,
  replica: number,
  staleTimes: Float64Array,
): Merged {
  const times = liveTimes(samples, live);
  const found = findInsertions(base, times, staleTimes);
  return found.length === 0 ? base : withInsertions(base, found, times, live, replica);
}

/** What `samples`, the second replica, has in the holes of the first; neither has stale markers. */
export function insertionsFrom(first: SampleColumns, samples: SampleColumns): Insertion[] {
  return findInsertions(firstSamples(first, null), liveTimes(samples, null), new Float64Array(0));
}

/** Steps at each end of a run of regular ones that are still looked at: a few doubled ones may look regular. */
const runEdge = 2;

/**
 * End of the run of regular positions that begins at `from`, whose first candidate is `candidate`; `from` itself if that
 * is not regular. The step after a regular position is much like the steps around it, and the one candidate in it is
 * that far from its own neighbours too: position and candidate move together, and nothing is missing there.
 */
function regularEnd(
  base: Float64Array,
  count: number,
  from: number,
  times: Float64Array,
  candidate: number,
): number {
  let left = from;
  let at = candidate;
  const end = Math.min(count - 2, from + times.length - 1 - candidate);
  if (left < 1 || at < 1 || left >= end) return left;
  let before = base[left]! - base[left - 1]!;
  let time = base[left + 1]!;
  let step = time - base[left]!;
  let previous = times[at]!;
  let candidateBefore = previous - times[at - 1]!;
  for (; left < end; left++, at++) {
    const timeAfter = base[left + 2]!;
    const after = timeAfter - time;
    const next = times[at + 1]!;
    const candidateAfter = next - previous;
    if (
      !(
        previous > base[left]! &&
        previous < time &&
        next >= time &&
        step <= 1.25 * before &&
        step <= 1.25 * after &&
        step <= 1.25 * candidateBefore &&
        step <= 1.25 * candidateAfter
      )
    ) {
      break;
    }
    before = step;
    step = after;
    time = timeAfter;
    previous = next;
    candidateBefore = candidateAfter;
  }
  return left;
}

/**
 * True if the step after `left` is less than twice any step that `localInterval` would look at, so that whatever it says, the
 * one candidate in that step belongs to the slot of a neighbour. Much cheaper than asking.
 */
function isAlone(
  base: Float64Array,
  count: number,
  left: number,
  times: Float64Array,
  candidate: number,
): boolean {
  if (left < 3 || left + 4 >= count || candidate < 1 || candidate + 2 >= times.length) return false;
  const step = base[left + 1]! - base[left]!;
  if (step > coupledHoleMs) return false;
  const least = step / 1.5;
  return (
    base[left]! - base[left - 1]! >= least &&
    base[left - 1]! - base[left - 2]! >= least &&
    base[left - 2]! - base[left - 3]! >= least &&
    base[left + 2]! - base[left + 1]! >= least &&
    base[left + 3]! - base[left + 2]! >= least &&
    base[left + 4]! - base[left + 3]! >= least &&
    times[candidate]! - times[candidate - 1]! >= least &&
    times[candidate + 1]! - times[candidate]! >= least &&
    times[candidate + 2]! - times[candidate + 1]! >= least
  );
}

function findInsertions(base: Merged, times: Float64Array, staleTimes: Float64Array): Insertion[] {
  const found: Insertion[] = [];
  const baseTimes = base.times;
  let candidate = 0;
  let runEnd = -1;
  // The part of the run that is not looked at.
  let skipFrom = -1;
  let skipTo = -1;
  for (let left = -1; left < base.count && candidate < times.length; left++) {
    if (left >= 0) {
      const time = baseTimes[left]!;
      while (candidate < times.length && times[candidate]! <= time) candidate++;
      if (left >= runEnd) {
        runEnd = regularEnd(baseTimes, base.count, left, times, candidate);
        skipFrom = left + runEdge;
        skipTo = runEnd - runEdge;
      }
      if (left === skipFrom && skipTo > left) {
        candidate += skipTo - left;
        left = skipTo - 1;
        continue;
      }
    }
    const next = left + 1 < base.count ? baseTimes[left + 1]! : Number.POSITIVE_INFINITY;
    let end = candidate;
    while (end < times.length && times[end]! < next) end++;
    const settled =
      end === candidate + 1 &&
      staleTimes.length === 0 &&
      base.replica === null &&
      isAlone(baseTimes, base.count, left, times, candidate);
    if (end > candidate && !settled) {
      const [from, to] = trimCandidates(base, left, times, candidate, end, staleTimes);
      if (to > from) found.push({ left, from, to });
    }
    candidate = end;
  }
  return found;
}
