// The scrape interval of a series at one place, from the data around that place only.

/** Steps looked at on each side, of each of the two sequences. */
const stepsEachSide = 3;

/** Steps that reach further than this, in ms, from the place are left out: whoever sees less around it would not know them. */
const sightMs = 900_000;

const steps = new Float64Array(4 * stepsEachSide);

/** Sorts the first few numbers by insertion. */
function sortFew(numbers: Float64Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const number = numbers[i]!;
    let at = i;
    for (; at > 0 && numbers[at - 1]! > number; at--) numbers[at] = numbers[at - 1]!;
    numbers[at] = number;
  }
}

function addSteps(
  count: number,
  times: Float64Array,
  from: number,
  to: number,
  replica: Uint8Array | null,
  earliest: number,
  latest: number,
): number {
  let at = count;
  for (let i = from; i < to; i++) {
    // A step from one replica to another is not an interval.
    if (replica !== null && replica[i] !== replica[i + 1]) continue;
    if (times[i]! < earliest || times[i + 1]! > latest) continue;
    const step = times[i + 1]! - times[i]!;
    if (step > 0) steps[at++] = step;
  }
  return at;
}

/**
 * The step, in ms, at a quarter of the sorted steps (losses only make steps longer, so the median would be misled) next to the hole between `base[left]` and `base[left + 1]`, and of those of the
 * candidates `times[low, high)` at both edges of the hole (with the candidates just outside). Steps that reach further than 15 minutes from the hole's edge count only
 * where there are no others. 0 where there are none at all.
 * `base` has `count` times, each from the replica that `replica` names; `left` may be −1 or `count − 1`. `side` leaves out what lies at the other
 * end of the hole, which for a long hole may be out of sight.
 */
export function localInterval(
  base: Float64Array,
  replica: Uint8Array | null,
  count: number,
  left: number,
  times: Float64Array,
  low: number,
  high: number,
  side: "both" | "left" | "right" = "both",
): number {
  let size = collectSteps(base, replica, count, left, times, low, high, side, sightMs);
  if (size === 0) {
    const unbounded = Number.POSITIVE_INFINITY;
    size = collectSteps(base, replica, count, left, times, low, high, side, unbounded);
  }
  if (size === 0) return 0;
  sortFew(steps, size);
  return steps[Math.floor((size - 1) * 0.25)]!;
}

/** Writes the steps of `localInterval` to `steps` that reach no further than `sight` from the edges of the hole; returns how many. */
function collectSteps(
  base: Float64Array,
  replica: Uint8Array | null,
  count: number,
  left: number,
  times: Float64Array,
  low: number,
  high: number,
  side: "both" | "left" | "right",
  sight: number,
): number {
  const n = stepsEachSide;
  const leftEdge = left >= 0 ? base[left]! : times[low]!;
  const rightEdge = left + 1 < count ? base[left + 1]! : times[high - 1]!;
  let size = 0;
  if (side !== "right") {
    size = addSteps(
      size,
      base,
      Math.max(0, left - n),
      Math.max(0, left),
      replica,
      leftEdge - sight,
      leftEdge,
    );
  }
  if (side !== "left") {
    size = addSteps(
      size,
      base,
      left + 1,
      Math.min(count - 1, left + 1 + n),
      replica,
      rightEdge,
      rightEdge + sight,
    );
  }
  if (high > low) {
    const last = times.length - 1;
    const head = Math.max(0, low - 1);
    const headEnd = Math.min(last, head + n);
    if (side !== "right") {
      size = addSteps(size, times, head, headEnd, null, leftEdge - sight, leftEdge + sight);
    }
    const tailEnd = Math.min(last, high);
    const tail = side === "right" ? Math.max(0, tailEnd - n) : Math.max(headEnd, tailEnd - n);
    if (side !== "left") {
      size = addSteps(size, times, tail, tailEnd, null, rightEdge - sight, rightEdge + sight);
    }
  }
  return size;
}
