// `penalty` over two replicas without the lift of counters: one loop over columns.
import type { SampleColumns } from "../sample-columns.ts";

/**
 * Appends what `penalty` keeps of two replicas to `out`: the replica that is earlier is followed, and the other is only
 * looked at again after twice the last step (at first, `initialPenaltyMs`). `a` goes first at equal times.
 */
export function mergePenaltyPair(
  a: SampleColumns,
  b: SampleColumns,
  initialPenaltyMs: number,
  out: SampleColumns,
): void {
  const plain =
    a.histograms === null &&
    b.histograms === null &&
    out.histograms === null &&
    a.startTimes === null &&
    b.startTimes === null &&
    out.startTimes === null;
  const aTimes = a.times;
  const bTimes = b.times;
  const aCount = a.count;
  const bCount = b.count;
  out.reserve(aCount + bCount);
  const { times, valueBits } = out;
  const aBits = a.valueBits;
  const bBits = b.valueBits;
  let to = out.count;
  let i = 0;
  let j = 0;
  let last = Number.NEGATIVE_INFINITY;
  let aPenalty = 0;
  let bPenalty = 0;
  for (;;) {
    for (const from = last + 1 + aPenalty; i < aCount && aTimes[i]! < from; ) i++;
    for (const from = last + 1 + bPenalty; j < bCount && bTimes[j]! < from; ) j++;
    let useA = true;
    if (i === aCount) {
      if (j === bCount) break;
      useA = false;
      bPenalty = 0;
    } else if (j === bCount) {
      aPenalty = 0;
    } else {
      useA = aTimes[i]! <= bTimes[j]!;
      const step = (useA ? aTimes[i]! : bTimes[j]!) - last;
      const penalty = last === Number.NEGATIVE_INFINITY ? initialPenaltyMs : 2 * step;
      aPenalty = useA ? 0 : penalty;
      bPenalty = useA ? penalty : 0;
    }
    last = useA ? aTimes[i]! : bTimes[j]!;
    if (!plain) {
      out.pushFrom(useA ? a : b, useA ? i : j);
      continue;
    }
    times[to] = last;
    if (useA) {
      valueBits[2 * to] = aBits[2 * i]!;
      valueBits[2 * to + 1] = aBits[2 * i + 1]!;
    } else {
      valueBits[2 * to] = bBits[2 * j]!;
      valueBits[2 * to + 1] = bBits[2 * j + 1]!;
    }
    to++;
  }
  if (plain) out.count = to;
}
