// The values of scanned numbers and durations.
import { quoteGo } from "./go-quote.ts";

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
  // Underscores are only for numbers with a base prefix, and those are integers.
  if (!/^([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text)) return invalid;
  const value = Number(text);
  if (!Number.isFinite(value))
    return { problem: `strconv.ParseFloat: parsing ${quoteGo(text)}: value out of range` };
  return { value };
}

const durationPattern =
  /^(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;
const unitMs = [31_536_000_000n, 604_800_000n, 86_400_000n, 3_600_000n, 60_000n, 1000n, 1n];

/** Reads a DURATION token to seconds. */
export function durationSeconds(text: string): Value {
  const found = durationPattern.exec(text);
  if (found === null) return { problem: `not a valid duration string: ${quoteGo(text)}` };
  let ms = 0n;
  for (let i = 0; i < unitMs.length; i++) ms += BigInt(found[i + 1] ?? "0") * unitMs[i]!;
  if (ms * 1_000_000n > int64Max) return { problem: "duration out of range" };
  return { value: Number(ms / 1000n) + (Number(ms % 1000n) * 1e6) / 1e9 };
}

/** Seconds to whole milliseconds: rounded to nanoseconds, then cut off, as Go's durations are. */
export function secondsToMs(seconds: number): number {
  // What Go makes of a NaN: the least integer.
  const ns = Number.isNaN(seconds) ? -(2 ** 63) : seconds * 1e9;
  const rounded = Math.sign(ns) * Math.round(Math.abs(ns));
  return Math.trunc(rounded / 1e6) + 0;
}
