// Quantiles of plain floats, for the aggregation and quantile_over_time.

/** Ascending order with NaN first, as Prometheus sorts for quantiles. Sorts in place. */
export function sortForQuantile(values: Float64Array): Float64Array {
  values.sort();
  // Typed arrays put NaN last.
  let numbers = values.length;
  while (numbers > 0 && Number.isNaN(values[numbers - 1]!)) numbers--;
  if (numbers < values.length) {
    values.copyWithin(values.length - numbers, 0, numbers);
    values.fill(Number.NaN, 0, values.length - numbers);
  }
  return values;
}

/** The `q`-quantile of values sorted by `sortForQuantile`, interpolated between neighbours. */
export function quantileOfSorted(
  q: number,
  sorted: ArrayLike<number>,
  size = sorted.length,
): number {
  if (size === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const rank = q * (size - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(size - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}

/** The `q`-quantile of unsorted values; sorts them in place. */
export function quantile(q: number, values: Float64Array): number {
  return quantileOfSorted(q, sortForQuantile(values));
}
