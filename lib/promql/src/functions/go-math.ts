// Go's math functions where JavaScript's differ.

/** As Go's math.Max: +Inf wins over NaN. */
export function goMax(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

/** As Go's math.Min: −Inf wins over NaN. */
export function goMin(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

const bits = new DataView(new ArrayBuffer(8));

/** Base-2 logarithm by way of the natural one, as Go computes it. */
export function goLog2(value: number): number {
  if (!(value > 0) || value === Infinity) return Math.log2(value);
  let shift = 0;
  let normal = value;
  if (normal < 2.2250738585072014e-308) {
    normal *= 2 ** 52;
    shift = -52;
  }
  bits.setFloat64(0, normal);
  const high = bits.getUint32(0);
  const exponent = (high >>> 20) - 1022 + shift;
  bits.setUint32(0, (high & 0x000fffff) | 0x3fe00000);
  const fraction = bits.getFloat64(0);
  if (fraction === 0.5) return exponent - 1;
  return Math.log(fraction) * (1 / Math.LN2) + exponent;
}

/** Base-10 logarithm as Go computes it. */
export function goLog10(value: number): number {
  return goLog2(value) * (Math.LN2 / Math.LN10);
}
