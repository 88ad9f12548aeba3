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
