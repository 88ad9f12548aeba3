// Go's math functions where JavaScript's differ.
import { goLog2 } from "@deucalion/model";

/** As Go's math.Max: +Inf wins over NaN. */
export function goMax(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

/** As Go's math.Min: −Inf wins over NaN. */
export function goMin(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

const log10Of2 = 0.3010299956639812;

/** Base-10 logarithm as Go computes it. */
export function goLog10(value: number): number {
  return goLog2(value) * log10Of2;
}
