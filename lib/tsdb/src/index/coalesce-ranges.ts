// Joins byte ranges that lie close together, so that they come in few reads.

/** Bytes `[from, to)`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Joins ranges, ascending by `from`, across gaps of up to `gapMax`, to reads of up to `bytesMax` where they can be split. */
export function coalesceRanges(
  ranges: readonly ByteRange[],
  gapMax: number,
  bytesMax = Number.POSITIVE_INFINITY,
): ByteRange[] {
  const out: { from: number; to: number }[] = [];
  let last: { from: number; to: number } | undefined;
  for (const range of ranges) {
    if (
      last !== undefined &&
      range.from <= last.to + gapMax &&
      Math.max(range.to, last.to) - last.from <= bytesMax
    ) {
      last.to = Math.max(last.to, range.to);
    } else {
      last = { from: range.from, to: range.to };
      out.push(last);
    }
  }
  return out;
}
