// Unsigned LEB128 written into bytes that have room; for loops that keep their place in a number.

/** Writes `value` (a whole number up to 2^53) at `at`, which has room for ten bytes; returns where it ends. */
export function putUvarint(out: Uint8Array, at: number, value: number): number {
  let to = at;
  let rest = value;
  while (rest >= 0x80000000) {
    out[to++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    out[to++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[to++] = rest;
  return to;
}

/** Bytes that `putUvarint` writes. */
export function uvarintLength(value: number): number {
  if (value < 0x4000) return value < 0x80 ? 1 : 2;
  let length = 3;
  for (let rest = Math.floor(value / 0x200000); rest > 0; rest = Math.floor(rest / 128)) length++;
  return length;
}
