// The NaNs that mean something: Prometheus tells them apart by their bits.

/** High and low 32 bits of the stale marker 0x7ff0000000000002. */
export const staleHigh = 0x7ff00000;
export const staleLow = 2;

const scratch = new Float64Array(1);
const bits = new Uint32Array(scratch.buffer);

/** Writes the stale marker to `values[index]`; `bits` must alias `values`. Little-endian hosts only, as Node's are. */
export function putStale(valueBits: Uint32Array, index: number): void {
  valueBits[2 * index] = staleLow;
  valueBits[2 * index + 1] = staleHigh;
}

/** True if `valueBits` (an alias of a Float64Array) holds a stale marker at `index`. */
export function isStaleAt(valueBits: Uint32Array, index: number): boolean {
  return valueBits[2 * index] === staleLow && valueBits[2 * index + 1] === staleHigh;
}

/**
 * True if a number is the stale marker. A NaN's payload survives a plain move of a number on V8 in practice
 * but not by promise: hot paths test the columns with `isStaleAt`.
 */
export function isStale(value: number): boolean {
  scratch[0] = value;
  return bits[0] === staleLow && bits[1] === staleHigh;
}

/** The stale marker as a number. */
export function staleNaN(): number {
  bits[0] = staleLow;
  bits[1] = staleHigh;
  return scratch[0]!;
}
