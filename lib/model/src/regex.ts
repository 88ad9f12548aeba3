// Go's regular expressions in linear time: re2js parses and runs; simple shapes are matched without it.
// A user's pattern is never given to JavaScript's RegExp, which reads Go's syntax wrongly and can hang.
import { RE2JS, type RE2JS as Compiled } from "re2js";
import { messageOf } from "@deucalion/base";
import { ModelError } from "./errors.ts";

/** A fully anchored expression (`^(?s:…)$`), as Prometheus' matchers are. */
export interface CompiledRegex {
  matches(value: string): boolean;
  /** The only values that can match, where the expression is a plain alternation of literals; else null. */
  readonly literals: readonly string[] | null;
  /** What every match begins with; "" where nothing is known. */
  readonly prefix: string;
}

const special = /[\\.+*?()|[\]{}^$]/;

/** The alternatives of `a|b|(?:c)` made of literals only, or null. */
function literalAlternatives(pattern: string): string[] | null {
  let body = pattern;
  const group = /^\((?:\?:)?([^()]*)\)$/.exec(body);
  if (group !== null) body = group[1]!;
  const parts = body
    .split("|")
    .map((part) => part.replace(/\\([.\-+*?()|[\]{}^$/\\])/g, "\u0000$1"));
  const out: string[] = [];
  for (const part of parts) {
    const rest = part.replace(/\u0000./g, "");
    if (special.test(rest) || part.endsWith("\\")) return null;
    out.push(part.replace(/\u0000/g, ""));
  }
  return /\\\|/.test(body) ? null : out;
}

/** `^literal` in front of the first special character; "" if that character could make the last letter optional. */
function literalPrefix(pattern: string): string {
  if (pattern.includes("|") || pattern.startsWith("(?")) return "";
  const at = pattern.search(special);
  if (at < 0) return pattern;
  const quantified = /[*?{]/.test(pattern[at]!);
  return pattern.slice(0, quantified ? Math.max(0, at - 1) : at);
}

/** Prefix, suffix or substring with `.*` or `.+` around a literal, or null. */
function dotShape(pattern: string): ((value: string) => boolean) | null {
  const found = /^(\.[*+])?([^\\.+*?()|[\]{}^$]*)(\.[*+])?$/.exec(pattern);
  if (found === null) return null;
  const literal = found[2]!;
  const before = found[1] === undefined ? -1 : found[1] === ".+" ? 1 : 0;
  const after = found[3] === undefined ? -1 : found[3] === ".+" ? 1 : 0;
  if (before < 0 && after < 0) return (value) => value === literal;
  const least = literal.length + Math.max(before, 0) + Math.max(after, 0);
  if (before < 0) return (value) => value.length >= least && value.startsWith(literal);
  if (after < 0) return (value) => value.length >= least && value.endsWith(literal);
  if (before === 0 && after === 0) return (value) => value.includes(literal);
  return (value) => {
    const at = value.indexOf(literal, before);
    return at >= before && at + literal.length + after <= value.length;
  };
}

/** Compiles an anchored expression. Throws MODEL_REGEX with Go's message. */
export function compileRegex(pattern: string): CompiledRegex {
  const literals = literalAlternatives(pattern);
  if (literals !== null) {
    const set = new Set(literals);
    return {
      matches: (value) => set.has(value),
      literals: [...set],
      prefix: set.size === 1 ? literals[0]! : "",
    };
  }
  const shape = dotShape(pattern);
  if (shape !== null) return { matches: shape, literals: null, prefix: literalPrefix(pattern) };
  let compiled: Compiled;
  try {
    RE2JS.compile(pattern);
    compiled = RE2JS.compile(`^(?s:${pattern})$`);
  } catch (thrown) {
    throw new ModelError("MODEL_REGEX", messageOf(thrown), { pattern }, { cause: thrown });
  }
  const seen = new Map<string, boolean>();
  return {
    literals: null,
    prefix: literalPrefix(pattern),
    matches: (value) => {
      const known = seen.get(value);
      if (known !== undefined) return known;
      const result = compiled.matches(value);
      if (seen.size >= regexMemoMax) seen.clear();
      seen.set(value, result);
      return result;
    },
  };
}

/** Values remembered for one expression; full, it is emptied. */
const regexMemoMax = 4096;
