// The values of scanned numbers and durations.
import { quoteGo } from "../print/go-quote.ts";

/** A value, or what is wrong with the text in Go's words. */
export type Value = { readonly value: number } | { readonly problem: string };

const int64Max = 2n ** 63n - 1n;

function integerValue(text: string): number | null {
  if (!/^(0[xX][0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$/.test(text)) return null;
  if (/__|_$/.test(text)) return null;
  const plain = text.replaceAll("_", "");
  const octal = plain.length > 1 && /^0[0-7]+$/.test(plain);
  const value = BigInt(octal ? `0o${plain.slice(1)}` : plain);
  return value > int64Max ? null : Number(value);
}

/** Reads a NUMBER token: decimal, hexadecimal, octal (leading 0), `inf`, `nan`, with underscores. */
export function numberValue(text: string): Value {
  if (/^inf$/i.test(text)) return { value: Infinity };
  if (/^nan$/i.test(text)) return { value: NaN };
  const integer = integerValue(text);
  if (integer !== null) return { value: integer };
  const invalid = { problem: `strconv.ParseFloat: parsing ${quoteGo(text)}: invalid syntax` };
  if (!/^([0-9_]+\.?[0-9_]*|\.[0-9_]+)([eE][+-]?[0-9_]+)?$/.test(text)) return invalid;
  // An underscore stands between two digits.
  if (/(^|[^0-9])_|_([^0-9]|$)/.test(text)) return invalid;
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isFinite(value))
    return { problem: `strconv.ParseFloat: parsing ${quoteGo(text)}: value out of range` };
  return { value };
}

/** Units from the largest to the smallest, in milliseconds. */
const unitMs: ReadonlyMap<string, bigint> = new Map([
  ["y", 31_536_000_000n],
  ["w", 604_800_000n],
  ["d", 86_400_000n],
  ["h", 3_600_000n],
  ["m", 60_000n],
  ["s", 1000n],
  ["ms", 1n],
]);

/** Reads a DURATION token to seconds. */
export function durationSeconds(text: string): Value {
  const invalid = { problem: `not a valid duration string: ${quoteGo(text)}` };
  let ms = 0n;
  let last = int64Max;
  for (const [, digits, unit] of text.matchAll(/([0-9]*)([^0-9]*)/g)) {
    if (digits === "" && unit === "") break;
    if (digits === "" || unit === "" || BigInt(digits!) > 2n ** 64n - 1n) return invalid;
    const size = unitMs.get(unit!);
    if (size === undefined)
      return { problem: `unknown unit ${quoteGo(unit!)} in duration ${quoteGo(text)}` };
    if (size >= last) return invalid;
    last = size;
    ms += BigInt(digits!) * size;
    if (ms * 1_000_000n > int64Max) return { problem: "duration out of range" };
  }
  return { value: Number(ms / 1000n) + (Number(ms % 1000n) * 1e6) / 1e9 };
}

/** Seconds to whole milliseconds: rounded to nanoseconds, then cut off, as Go's durations are. */
export function secondsToMs(seconds: number): number {
  // What Go makes of a NaN: the least integer.
  const ns = Number.isNaN(seconds) ? -(2 ** 63) : seconds * 1e9;
  const rounded = Math.sign(ns) * Math.round(Math.abs(ns));
  return Math.trunc(rounded / 1e6) + 0;
}
