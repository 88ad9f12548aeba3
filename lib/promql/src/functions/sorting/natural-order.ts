// Natural order of label values for sort_by_label: digits compare as numbers.

import { compareStrings } from "@deucalion/model";

/** Runs of digits and of anything else. */
function chunks(text: string): string[] {
  return text.match(/[0-9]+|[^0-9]+/g) ?? [];
}

const integerMax = 2n ** 63n - 1n;

/** The number that a run of digits stands for, or null where it is none that fits 64 bits. */
function numberOf(chunk: string): bigint | null {
  const first = chunk.charCodeAt(0);
  if (first < 0x30 || first > 0x39) return null;
  const value = BigInt(chunk);
  return value <= integerMax ? value : null;
}

/** True if `a` comes before `b`. */
export function naturallyBefore(a: string, b: string): boolean {
  const left = chunks(a);
  const right = chunks(b);
  for (let i = 0; i < left.length; i++) {
    if (i >= right.length) return false;
    const x = left[i]!;
    const y = right[i]!;
    const p = numberOf(x);
    const q = p === null ? null : numberOf(y);
    const same = p !== null && q !== null ? p === q : x === y;
    if (!same) return p !== null && q !== null ? p < q : compareStrings(x, y) < 0;
    if (i === left.length - 1) return true;
    if (i === right.length - 1) return false;
  }
  return false;
}
