// Numbers as Go prints them inside queries.

/** Go's shortest `'f'` format: never an exponent. */
export function plainNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const found = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (found === null) return String(value);
  const sign = found[1]!;
  const whole = found[2]!;
  const digits = whole + (found[3] ?? "");
  const point = whole.length + Number(found[4]);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}

/** Go's `%v`: an exponent of at least two digits below 1e-4 and from 1e21 on. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || value === 0 || (size >= 1e-4 && size < 1e21))
    return plainNumber(value);
  const text = value.toExponential();
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
