// What Go calls printable.

/** `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the plain blank. */
export function isPrintableRune(codePoint: number): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(String.fromCodePoint(codePoint));
}
