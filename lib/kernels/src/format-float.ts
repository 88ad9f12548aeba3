// Numbers as Prometheus prints them.

/**
 * The shortest text that reads back as `value`, in Go's form: plain digits from 1e-6 to 1e21, else an exponent of at
 * least two digits (`1e-07`, `1e+21`); `-0`, `NaN`, `+Inf`, `-Inf`.
 */
export function formatGoFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const magnitude = value < 0 ? -value : value;
  if (magnitude >= 1e-6 && magnitude < 1e21) return String(value);
  if (Number.isNaN(value)) return "NaN";
  if (magnitude === Number.POSITIVE_INFINITY) return value > 0 ? "+Inf" : "-Inf";
  const text = String(value);
  const at = text.length - 2;
  // JavaScript writes 1e-7 where Go writes 1e-07; only one digit may be missing.
  const sign = text[at];
  return sign === "-" || sign === "+" ? `${text.slice(0, at + 1)}0${text[at + 1]}` : text;
}
