// Numbers and characters of templates: what each literal may stand for.
import { parseGoFloat } from "@deucalion/kernels";
import { quoteGo, unquoteGo } from "@deucalion/promql";
import type { NumberNode } from "./node.ts";

const int64Max = (1n << 63n) - 1n;
const int64Min = -(1n << 63n);
const uint64Max = (1n << 64n) - 1n;

/** A literal that is no number; the message is Go's. */
export class NumberSyntax extends Error {}

/** Go's `ParseInt` with base 0, or null. */
function parseInteger(text: string): bigint | null {
  const found =
    /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/.exec(
      text,
    );
  if (found === null) return null;
  let digits = found[2]!.replaceAll("_", "");
  if (/^0[0-7]+$/.test(digits)) digits = `0o${digits.slice(1)}`;
  const value = BigInt(digits);
  return found[1] === "-" ? -value : value;
}

function asWhole(float: number): bigint | null {
  return Number.isInteger(float) ? BigInt(float) : null;
}

function within(value: bigint | null, min: bigint, max: bigint): bigint | null {
  return value !== null && value >= min && value <= max ? value : null;
}

function character(at: number, text: string): NumberNode {
  const body = text.slice(1, -1);
  const value = body.startsWith("\\") ? unquoteGo(text) : body;
  if (value === null || value === "" || body === "'") throw new NumberSyntax("invalid syntax");
  if ([...value].length !== 1) throw new NumberSyntax(`malformed character constant: ${text}`);
  const code = BigInt(value.codePointAt(0)!);
  return {
    kind: "number",
    at,
    text,
    integer: code,
    unsigned: code,
    float: Number(code),
    complex: null,
  };
}

function complexNumber(at: number, text: string, real: number, imaginary: number): NumberNode {
  const float = imaginary === 0 ? real : null;
  const whole = float === null ? null : asWhole(float);
  return {
    kind: "number",
    at,
    text,
    integer: within(whole, int64Min, int64Max),
    unsigned: within(whole, 0n, uint64Max),
    float,
    complex: { real, imaginary },
  };
}

/** Reads a number as the lexer cut it. Throws NumberSyntax. */
export function parseNumber(
  at: number,
  text: string,
  kind: "number" | "charConstant" | "complex",
): NumberNode {
  if (kind === "charConstant") return character(at, text);
  const split = /^(.*[^eEpP])?([+-][^+-]*?(?:[eEpP][+-]?[0-9]+)?)i$/.exec(text);
  if (kind === "complex") {
    const real = parseGoFloat(split?.[1] ?? "");
    const imaginary = parseGoFloat(split?.[2] ?? "");
    if (real === null || imaginary === null)
      throw new NumberSyntax("syntax error scanning complex number");
    return complexNumber(at, text, real, imaginary);
  }
  if (text.endsWith("i")) {
    const imaginary = parseGoFloat(text.slice(0, -1));
    if (imaginary !== null) return complexNumber(at, text, 0, imaginary);
  }
  const value = parseInteger(text);
  let integer = within(value, int64Min, int64Max);
  let unsigned = /^[+-]/.test(text) && value !== 0n ? null : within(value, 0n, uint64Max);
  let float = integer !== null ? Number(integer) : unsigned !== null ? Number(unsigned) : null;
  if (float === null) {
    float = parseGoFloat(text);
    if (float !== null) {
      if (!/[.eEpP]/.test(text)) throw new NumberSyntax(`integer overflow: ${quoteGo(text)}`);
      const whole = Number.isFinite(float) ? asWhole(float) : null;
      integer = within(whole, int64Min, int64Max);
      unsigned = within(whole, 0n, uint64Max);
    }
  }
  if (integer === null && unsigned === null && float === null)
    throw new NumberSyntax(`illegal number syntax: ${quoteGo(text)}`);
  return { kind: "number", at, text, integer, unsigned, float, complex: null };
}
