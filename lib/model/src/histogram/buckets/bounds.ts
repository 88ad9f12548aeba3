// Boundaries of the buckets of native histograms, exactly as Prometheus computes them.
import { customBucketsSchema } from "../../histogram.ts";
import { exponentialBounds } from "./exponential-bounds.ts";

/** Coarsest and finest schema with exponential buckets. */
export const exponentialSchemaMin = -4;
export const exponentialSchemaMax = 8;

const maxFloat = Number.MAX_VALUE;
const powersMin = -1074;
const powers = Float64Array.from({ length: 1024 - powersMin }, (_, i) => 2 ** (i + powersMin));

/** `fraction × 2^exponent` with one rounding, for fractions in [0.5, 1]. */
function scale(fraction: number, exponent: number): number {
  if (exponent > 1023) return exponent > 1025 ? Infinity : fraction * 2 * 2 ** (exponent - 1);
  if (exponent < -1000) {
    return exponent < -1100 ? 0 : fraction * powers[exponent + 100 - powersMin]! * 2 ** -100;
  }
  return fraction * powers[exponent - powersMin]!;
}

/** Upper bound of a positive bucket of an exponential schema (−4 … 8). */
export function exponentialBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? maxFloat : scale(0.5, exponent + 1);
  }
  const fraction = exponentialBounds[(index & ((1 << schema) - 1)) << (8 - schema)]!;
  const exponent = (index >> schema) + 1;
  if (exponent === 1025 && fraction === 0.5) return maxFloat;
  return scale(fraction, exponent);
}

/** Upper bound of a positive bucket of any schema; index −1 of custom buckets is −Inf, the last +Inf. */
export function bucketBound(index: number, schema: number, customValues: Float64Array): number {
  if (schema !== customBucketsSchema) return exponentialBound(index, schema);
  if (index < 0) return -Infinity;
  return index < customValues.length ? customValues[index]! : Infinity;
}

/** Same bounds, value by value. */
export function sameCustomBounds(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bounds that both have. */
export function intersectCustomBounds(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(Math.min(a.length, b.length));
  let size = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i]! === b[j]!) {
      out[size++] = a[i]!;
      i++;
      j++;
    } else if (a[i]! < b[j]!) i++;
    else j++;
  }
  return out.slice(0, size);
}
