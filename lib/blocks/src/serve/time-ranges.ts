// Time ranges of blocks, joined where they touch.

export interface TimeRange {
  /** Milliseconds. */
  readonly minTime: number;
  readonly maxTime: number;
}

/** Ranges sorted by start; those that touch or overlap become one. */
export function joinedTimeRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const sorted = [...ranges].sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime);
  const joined: { minTime: number; maxTime: number }[] = [];
  for (const { minTime, maxTime } of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && minTime <= last.maxTime)
      last.maxTime = Math.max(last.maxTime, maxTime);
    else joined.push({ minTime, maxTime });
  }
  return joined;
}
