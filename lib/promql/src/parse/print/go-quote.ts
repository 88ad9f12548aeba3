// Quoting and unquoting of strings in Go's way, which error messages, printed queries and literals share.

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const short: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
};

/** True if Go prints the code point as it is; every space but U+0020 is escaped. */
export function isPrintable(codePoint: number): boolean {
  return printable.test(String.fromCodePoint(codePoint));
}

/** Bytes that are no UTF-8 live in strings as the lone surrogates U+DC80 to U+DCFF. */
const loneByte = 0xdc00;

function isLoneByte(codePoint: number): boolean {
  return codePoint >= loneByte + 0x80 && codePoint <= loneByte + 0xff;
}

/** UTF-8 to a string that keeps bytes which are none, as lone surrogates. */
function decodeBytes(bytes: readonly number[]): string {
  const buffer = Buffer.from(bytes);
  const text = buffer.toString("utf8");
  if (Buffer.from(text).equals(buffer)) return text;
  let out = "";
  for (let at = 0; at < buffer.length; ) {
    let length = 4;
    while (length > 0 && !isOneCharacter(buffer.subarray(at, at + length))) length--;
    if (length === 0) out += String.fromCharCode(loneByte + buffer[at++]!);
    else out += buffer.subarray(at, at + length).toString("utf8");
    at += length;
  }
  return out;
}

function isOneCharacter(bytes: Buffer): boolean {
  const text = bytes.toString("utf8");
  return [...text].length === 1 && Buffer.from(text).equals(bytes);
}

function escapeCodePoint(codePoint: number, quote: string): string {
  const char = String.fromCodePoint(codePoint);
  if (char === quote || char === "\\") return `\\${char}`;
  if (codePoint >= 0x20 && codePoint < 0x7f) return char;
  const known = short[codePoint];
  if (known !== undefined) return known;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hex(codePoint, 2)}`;
  if (isLoneByte(codePoint)) return `\\x${hex(codePoint - loneByte, 2)}`;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return "\ufffd";
  if (isPrintable(codePoint)) return char;
  return codePoint < 0x10000 ? `\\u${hex(codePoint, 4)}` : `\\U${hex(codePoint, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** A double-quoted Go string literal (`%q`). */
export function quoteGo(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let out = '"';
  for (const char of text) out += escapeCodePoint(char.codePointAt(0)!, '"');
  return `${out}"`;
}

/** A single-quoted Go rune (`%q` of a character); −1 stands for the end of the text. */
export function quoteRune(codePoint: number): string {
  return codePoint < 0 ? "'\ufffd'" : `'${escapeCodePoint(codePoint, "'")}'`;
}

/** `U+0041 'A'`, Go's `%#U`. */
export function describeRune(codePoint: number): string {
  const value = codePoint < 0 ? 0xfffd : codePoint;
  const code = `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
  return isPrintable(value) ? `${code} '${String.fromCodePoint(value)}'` : code;
}

const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
};

/**
 * The value of a PromQL string literal with its quotes (", ' or `), or null if it is not well formed.
 * `\x` and octal escapes are bytes; bytes that are not UTF-8 together become lone
 * surrogates U+DC80 to U+DCFF, so that such a string is not well formed and is printed as it was written.
 */
export function unquoteGo(literal: string): string | null {
  const quote = literal[0];
  if (literal.length < 2 || quote !== literal[literal.length - 1]) return null;
  const body = literal.slice(1, -1);
  if (quote === "`") return body.includes("`") ? null : body;
  if ((quote !== '"' && quote !== "'") || body.includes("\n")) return null;
  if (!body.includes("\\")) return body.includes(quote) ? null : body;
  const bytes: number[] = [];
  for (let i = 0; i < body.length; ) {
    if (body[i] === quote) return null;
    if (body[i] !== "\\") {
      const char = String.fromCodePoint(body.codePointAt(i)!);
      bytes.push(...Buffer.from(char));
      i += char.length;
      continue;
    }
    const used = unescapeInto(body, i + 1, quote, bytes);
    if (used < 0) return null;
    i = used;
  }
  return decodeBytes(bytes);
}

/** Reads one escape after its backslash; returns where it ends, or −1. */
function unescapeInto(body: string, at: number, quote: string, bytes: number[]): number {
  const letter = body[at];
  if (letter === undefined) return -1;
  const plain = simple[letter];
  if (plain !== undefined) {
    bytes.push(plain);
    return at + 1;
  }
  if (letter === quote) {
    bytes.push(letter.charCodeAt(0));
    return at + 1;
  }
  if (letter >= "0" && letter <= "7") {
    const digits = body.slice(at, at + 3);
    const value = Number.parseInt(digits, 8);
    if (!/^[0-7]{3}$/.test(digits) || value > 255) return -1;
    bytes.push(value);
    return at + 3;
  }
  const length = letter === "x" ? 2 : letter === "u" ? 4 : letter === "U" ? 8 : 0;
  const digits = body.slice(at + 1, at + 1 + length);
  if (length === 0 || digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) return -1;
  const value = Number.parseInt(digits, 16);
  if (value > 0x10ffff) return -1;
  if (letter === "x") bytes.push(value);
  else bytes.push(...Buffer.from(String.fromCodePoint(value)));
  return at + 1 + length;
}
