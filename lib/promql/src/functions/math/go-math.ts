// Go's math functions where JavaScript's differ.

/** As Go's math.Max: +Inf wins over NaN. */
export function goMax(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

/** As Go's math.Min: −Inf wins over NaN. */
export function goMin(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

/** Base-10 logarithm as Go computes it. */
export function goLog10(value: number): number {
  return Math.log(value) * Math.LOG10E;
}
