// Which postings are not worth reading: where they are larger than the series that they would spare, series are filtered.

/** The postings that matchers on one label lead to. */
export interface GroupSize {
  /** Series are kept if they are in the lists; else they are taken away. */
  readonly keep: boolean;
  readonly name: string;
  /** Lists. */
  readonly keys: number;
  /** Entries of all lists. */
  readonly series: number;
}

export interface LazyOptions {
  /** A label with more values for each series than this is left to the filter; 0 never. */
  readonly keySeriesRatio: number;
  /** What a series entry of the index takes, in bytes. */
  readonly seriesBytes: number;
}

/** The share of series that each further group is taken to leave. */
const matchRatio = 0.5;
const postingBytes = 4;

export type LazyReason = "keys_limit" | "postings_size";

/**
 * The groups to leave to a filter, and why. Groups are taken by size; one is read as long as its lists are smaller than
 * the series entries that it is expected to save. At least one that keeps is always read.
 */
export function lazyGroups<G extends GroupSize>(
  groups: readonly G[],
  options: LazyOptions,
): Map<G, LazyReason> {
  const lazy = new Map<G, LazyReason>();
  const sorted = [...groups].sort(
    (a, b) => a.series - b.series || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const first = sorted.findIndex(({ keep }) => keep);
  if (first < 0 || first >= sorted.length - 1) return lazy;
  let taken = 0;
  for (const { series } of sorted.slice(0, first)) taken += series;
  let left = sorted[first]!.series - Math.ceil(taken * matchRatio);
  const most = left;
  let next = first + 1;
  for (; next < sorted.length && left > 0; next++) {
    const group = sorted[next]!;
    const { keySeriesRatio, seriesBytes } = options;
    if (keySeriesRatio > 0 && group.keys / most > keySeriesRatio) {
      lazy.set(group, "keys_limit");
      continue;
    }
    const spared = group.keep
      ? Math.ceil(left * (1 - matchRatio))
      : Math.ceil(Math.min(group.series, left) * matchRatio);
    left = group.keep ? Math.ceil(left * matchRatio) : left - spared;
    if (group.series * postingBytes > spared * seriesBytes) break;
  }
  for (const group of sorted.slice(next)) lazy.set(group, "postings_size");
  return lazy;
}
