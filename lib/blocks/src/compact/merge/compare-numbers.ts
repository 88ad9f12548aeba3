// Label sets as numbers of symbols.

/** Compares label sets given as numbers of symbols of one table. */
export function compareNumbers(
  a: Uint32Array,
  aCount: number,
  b: Uint32Array,
  bCount: number,
): number {
  const length = 2 * Math.min(aCount, bCount);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return aCount - bCount;
}
