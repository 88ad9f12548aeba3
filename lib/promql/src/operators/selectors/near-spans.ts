// Which spans of time are so close that reading their union costs little more than reading each.

/** Reading and decoding together may cost so much more than apart. */
const wideningMax = 1.25;

/** Milliseconds, inclusive. */
export interface Span {
  readonly minTime: number;
  readonly maxTime: number;
}

/** Spans that belong together, and their union. */
export interface SpanGroup<S extends Span> extends Span {
  readonly members: readonly S[];
}

/** Puts spans together, at most `membersMax` in a group, as long as the union is not much more than each alone needs. */
export function nearSpans<S extends Span>(spans: readonly S[], membersMax: number): SpanGroup<S>[] {
  const sorted = [...spans].sort((a, b) => a.minTime - b.minTime);
  const groups: SpanGroup<S>[] = [];
  for (let from = 0; from < sorted.length; ) {
    const { minTime } = sorted[from]!;
    let { maxTime } = sorted[from]!;
    let alone = maxTime - minTime + 1;
    let to = from + 1;
    for (; to < sorted.length && to - from < membersMax; to++) {
      const next = sorted[to]!;
      const end = Math.max(maxTime, next.maxTime);
      const sum = alone + next.maxTime - next.minTime + 1;
      if ((end - minTime + 1) * (to - from + 1) > wideningMax * sum) break;
      maxTime = end;
      alone = sum;
    }
    groups.push({ minTime, maxTime, members: sorted.slice(from, to) });
    from = to;
  }
  return groups;
}
