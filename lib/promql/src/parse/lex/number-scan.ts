// Where a number or a duration ends in the text. A scanned number need not be a valid one: reading it tells.

export interface Scan {
  readonly ok: boolean;
  /** Offset behind what was read. */
  readonly end: number;
}

const decimal = "0123456789";
const hexadecimal = "0123456789abcdefABCDEF";
const wordChar = /[a-zA-Z0-9_]/;

function has(set: string, char: string | undefined): boolean {
  return char !== undefined && set.includes(char);
}

/** Scans `[.]digits` with underscores, one dot, one exponent; `0x` numbers without fraction. */
export function scanNumber(text: string, start: number): Scan {
  let at = start;
  let digits = decimal;
  if (text[at] === "0") {
    at++;
    if (has("xX", text[at])) {
      at++;
      if (text[at] === "_") at++;
      digits = hexadecimal;
    }
  }
  if (text[at] === ".") at++;
  if (has(digits, text[at])) at++;
  let dot = false;
  let exponent = false;
  for (;;) {
    const char = text[at];
    if (char === undefined) break;
    if (char === ".") {
      at++;
      if (dot) return { ok: false, end: at };
      dot = true;
      if (has("_.", text[at])) return { ok: false, end: at + 1 };
      if (digits === hexadecimal) return { ok: false, end: at };
    } else if (char === "e" || char === "E") {
      at++;
      if (exponent) return { ok: false, end: at };
      exponent = true;
      if (has("+-", text[at])) at++;
      if (has("._eE", text[at])) return { ok: false, end: at + 1 };
      if (at >= text.length) return { ok: false, end: at };
    } else if (char === "_") {
      at++;
      if (has("._eE", text[at])) return { ok: false, end: at + 1 };
      if (at >= text.length) return { ok: false, end: at };
    } else if (digits.includes(char)) {
      while (has(digits, text[at])) at++;
    } else break;
  }
  const next = text[at];
  return { ok: next === undefined || !wordChar.test(next), end: at };
}

/** Scans the units of a duration behind its first number: `h30m` of `1h30m`. */
export function scanDurationTail(text: string, start: number): Scan {
  let at = start;
  if (!has("smhdwy", text[at])) return { ok: false, end: at };
  at++;
  if (text[at] === "s") at++;
  while (has(decimal, text[at])) {
    while (has(decimal, text[at])) at++;
    if (!has("smhdw", text[at])) return { ok: false, end: at };
    at++;
    if (text[at] === "s") at++;
  }
  const next = text[at];
  if (next !== undefined && wordChar.test(next)) return { ok: false, end: at + 1 };
  return { ok: true, end: at };
}
