// Compensated (Neumaier) addition to a number in a column.

/**
 * Adds `value` to `sums[at]`, keeping the lost low bits in `compensations[at]`, with the rounding of Prometheus:
 * an infinite sum clears the compensation.
 */
export function kahanAddAt(
  value: number,
  sums: Float64Array,
  compensations: Float64Array,
  at: number,
): void {
  const sum = sums[at]!;
  const total = sum + value;
  if (total > Number.MAX_VALUE || total < -Number.MAX_VALUE) compensations[at] = 0;
  else if (Math.abs(sum) >= Math.abs(value)) compensations[at]! += sum - total + value;
  else compensations[at]! += value - total + sum;
  sums[at] = total;
}

/** Adds a whole column to sums of the same length, as `kahanAddAt` does value by value. */
export function kahanAddColumn(
  values: Float64Array,
  sums: Float64Array,
  compensations: Float64Array,
): void {
  const count = values.length;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const sum = sums[i]!;
    const total = sum + value;
    if (total > Number.MAX_VALUE || total < -Number.MAX_VALUE) compensations[i] = 0;
    else if (Math.abs(sum) >= Math.abs(value)) compensations[i]! += sum - total + value;
    else compensations[i]! += value - total + sum;
    sums[i] = total;
  }
}
