// Expressions of a fixed length, `10.0.0.1:9100` with its dots that match anything, with `.*` or `.+` before or behind.

/** A unit of the pattern that any character matches. */
const any = -1;

/** What may stand behind a backslash and means itself. */
const escapable = /[\\.+*?()|[\]{}^$\-/ "'#&,:;<=>@`~!%]/;
/** What means something of its own without one. */
const operator = /[+*?()|[\]{}^$]/;

/** Characters outside the basic plane are one character and two units: they are left to the automaton. */
const surrogate = /[\ud800-\udfff]/;

/** `.*` is 0, `.+` is 1, neither −1. */
function loose(part: string): number {
  return part === ".*" ? 0 : part === ".+" ? 1 : -1;
}

/** Units of the middle of a pattern; null where there is more to it than letters, escapes and dots. */
function unitsOf(pattern: string, from: number, to: number): Int32Array | null {
  const units: number[] = [];
  for (let i = from; i < to; i++) {
    const letter = pattern[i]!;
    if (letter === ".") units.push(any);
    else if (letter === "\\") {
      const next = i + 1 < to ? pattern[++i]! : "";
      if (!escapable.test(next)) return null;
      units.push(next.charCodeAt(0));
    } else if (operator.test(letter)) return null;
    else units.push(letter.charCodeAt(0));
  }
  return Int32Array.from(units);
}

/**
 * A matcher of whole values for patterns of that form, null for others. Values that it cannot judge go to `otherwise`.
 */
export function matchFixed(
  pattern: string,
  otherwise: (value: string) => boolean,
): ((value: string) => boolean) | null {
  if (pattern.length < 3 || surrogate.test(pattern)) return null;
  const before = loose(pattern.slice(0, 2));
  // `\.*` repeats a dot, `.` alone behind a backslash is one.
  const escaped = /(^|[^\\])(\\\\)*\\$/.test(pattern.slice(0, -2));
  const after = escaped ? -1 : loose(pattern.slice(-2));
  if (before >= 0 && after >= 0) return null;
  const units = unitsOf(pattern, before < 0 ? 0 : 2, pattern.length - (after < 0 ? 0 : 2));
  if (units === null) return null;
  const { length } = units;
  const least = length + Math.max(0, before, after);
  const exact = before < 0 && after < 0;
  return (value) => {
    // A character takes at least one unit.
    if (value.length < least) return false;
    if (surrogate.test(value)) return otherwise(value);
    if (exact && value.length !== length) return false;
    const from = before < 0 ? 0 : value.length - length;
    for (let i = 0; i < length; i++) {
      const unit = units[i]!;
      if (unit !== any && unit !== value.charCodeAt(from + i)) return false;
    }
    return true;
  };
}
