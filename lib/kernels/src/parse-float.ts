// Reads floats as Go's strconv.ParseFloat does.

/**
 * Go's `ParseFloat` of 64 bits, or null where that gives an error (beyond the range too): decimal, hexadecimal with a `p`,
 * `Inf` and `NaN` in any case, single underscores between digits.
 */
export function parseGoFloat(given: string): number | null {
  const text = given.replace(/(?<=[0-9a-fA-F]|^[+-]?0[xX])_(?=[0-9a-fA-F])/g, "");
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  }
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/.exec(text);
  if (hex === null || hex[2]! + hex[3]! === "") return null;
  const mantissa = Number(BigInt(`0x${hex[2]}${hex[3]}`));
  const value = mantissa * 2 ** (Number(hex[4]) - 4 * hex[3]!.length);
  if (!Number.isFinite(value)) return null;
  return hex[1] === "-" ? -value : value;
}
