// Base-2 logarithm and power with Go's rounding, on which quantiles of exponential buckets depend to the last bit.

const bits = new DataView(new ArrayBuffer(8));

/** Base-2 logarithm by way of the natural one; exact for powers of two. */
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
  return Math.log(fraction) * Math.LOG2E + exponent;
}

const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** 2 to a power: whole part apart, the rest by the usual rational approximation of exp. */
export function goExp2(power: number): number {
  if (Number.isNaN(power)) return power;
  if (power > 1023.9999999999999) return Infinity;
  if (power < -1074) return 0;
  const whole = power > 0 ? Math.trunc(power + 0.5) : Math.trunc(power - 0.5);
  const rest = power - whole;
  const high = rest * ln2High;
  const low = -rest * ln2Low;
  const r = high - low;
  const t = r * r;
  const series =
    0.16666666666666666 +
    t *
      (-0.0027777777777015593 +
        t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8)));
  const c = r - t * series;
  const result = 1 - (low - (r * c) / (2 - c) - high);
  if (whole > 1000) return result * 2 ** (whole - 100) * 2 ** 100;
  return whole < -1000 ? result * 2 ** (whole + 100) * 2 ** -100 : result * 2 ** whole;
}
