// A quantile without sorting: only the two neighbours of the rank are brought into their places.

/** Rearranges `values[low, high]` so that the one at `k` is where a sort would put it. No NaN. */
function selectAt(values: Float64Array, from: number, to: number, k: number): void {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const a = values[low]!;
    const b = values[middle]!;
    const c = values[high]!;
    const pivot = a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const held = values[i]!;
      values[i++] = values[j]!;
      values[j--] = held;
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else return;
  }
}

/** The `q`-quantile of `values[0, count)`, which are rearranged; NaN counts as smaller than any number. */
export function selectQuantile(q: number, values: Float64Array, count: number): number {
  if (count === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  let nans = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (!Number.isNaN(value)) continue;
    values[i] = values[nans]!;
    values[nans++] = value;
  }
  const rank = q * (count - 1);
  const below = Math.max(0, Math.floor(rank));
  const above = Math.min(count - 1, below + 1);
  const weight = rank - Math.floor(rank);
  if (below >= nans) selectAt(values, nans, count - 1, below);
  let upper = values[above]!;
  if (above > below && below >= nans) {
    // All after `below` are at least as large: the least of them is its neighbour.
    for (let i = above + 1; i < count; i++) if (values[i]! < upper) upper = values[i]!;
  } else if (above >= nans && below < nans) {
    selectAt(values, nans, count - 1, above);
    upper = values[above]!;
  }
  return values[below]! * (1 - weight) + upper * weight;
}
