// The scrape interval of a series at one place, from the data around that place only.

/** Steps looked at on each side, of each of the two sequences. */
const stepsEachSide = 3;

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
): number {
  let at = count;
  for (let i = from; i < to; i++) {
    // A step from one replica to another is not an interval.
    if (replica !== null && replica[i] !== replica[i + 1]) continue;
    const step = times[i + 1]! - times[i]!;
    if (step > 0) steps[at++] = step;
  }
  return at;
}

/**
 * The step, in ms, at a quarter of the sorted steps (losses only make steps longer, so the median would be misled) next to the hole between `base[left]` and `base[left + 1]`, and of those of the
 * candidates `times[low, high)` at both edges of the hole (with the candidates just outside). 0 where there are none.
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
  const n = stepsEachSide;
  let size = 0;
  if (side !== "right") {
    size = addSteps(size, base, Math.max(0, left - n), Math.max(0, left), replica);
  }
  if (side !== "left")
    size = addSteps(size, base, left + 1, Math.min(count - 1, left + 1 + n), replica);
  if (high > low) {
    const last = times.length - 1;
    const head = Math.max(0, low - 1);
    const headEnd = Math.min(last, head + n);
    if (side !== "right") size = addSteps(size, times, head, headEnd, null);
    const tailEnd = Math.min(last, high);
    const tail = side === "right" ? Math.max(0, tailEnd - n) : Math.max(headEnd, tailEnd - n);
    if (side !== "left") size = addSteps(size, times, tail, tailEnd, null);
  }
  if (size === 0) return 0;
  sortFew(steps, size);
  return steps[Math.floor((size - 1) * 0.25)]!;
}
