// Go's regular expressions in linear time: re2js parses and runs; simple shapes are matched without it.
// A user's pattern is never given to JavaScript's RegExp, which reads Go's syntax wrongly and can hang.

import { messageOf } from "@deucalion/base";
import { type RE2JS as Compiled, RE2JS } from "re2js";
import { ModelError } from "./errors.ts";
import { matchAlternation } from "./regex-alternation.ts";
import { matchFixed } from "./regex-fixed.ts";
import { expandedSize } from "./regex-size.ts";

/** A fully anchored expression (`^(?s:…)$`), as Prometheus' matchers are. */
export interface CompiledRegex {
  matches(value: string): boolean;
  /** The only values that can match, where the expression is a plain alternation of literals; else null. */
  readonly literals: readonly string[] | null;
  /** What every match begins with; "" where nothing is known. */
  readonly prefix: string;
}

const special = /[\\.+*?()|[\]{}^$]/;
const escapable = "\\.+*?()|[]{}^$-/ \"'#&,:;<=>@_`~!%";

/** The alternatives of `a|b`, `(a|b)`, `(?:a|b)` made of literals and escaped punctuation only, or null. */
function literalAlternatives(pattern: string): string[] | null {
  let from = 0;
  let to = pattern.length;
  if (pattern.startsWith("(") && pattern.endsWith(")")) {
    from = pattern.startsWith("(?:") ? 3 : 1;
    to--;
  }
  const out: string[] = [];
  let literal = "";
  for (let i = from; i < to; i++) {
    const letter = pattern[i]!;
    if (letter === "|") {
      out.push(literal);
      literal = "";
    } else if (letter === "\\") {
      const next = i + 1 < to ? pattern[++i]! : "";
      if (next === "" || next === "_" || !escapable.includes(next)) return null;
      literal += next;
    } else if (special.test(letter)) return null;
    else literal += letter;
  }
  out.push(literal);
  return out;
}

/** The literal in front of the first special character, less the letter that this could make optional. */
function literalPrefix(pattern: string): string {
  if (pattern.includes("|") || pattern.startsWith("(?")) return "";
  const at = pattern.search(special);
  if (at < 0) return pattern;
  // `a(?i)*` and `a\Q\E*` repeat the letter, too.
  const rest = pattern.slice(at, at + 2);
  if (!/[*?{+]/.test(rest[0]!) && rest !== "(?" && rest !== "\\Q") return pattern.slice(0, at);
  const letter = pattern.charCodeAt(at - 1);
  const units = letter >= 0xdc00 && letter <= 0xdfff ? 2 : 1;
  return pattern.slice(0, Math.max(0, at - units));
}

/** Prefix, suffix or substring with `.*` or `.+` around a literal, or null. */
function dotShape(pattern: string): ((value: string) => boolean) | null {
  const found = /^(\.[*+])?([^\\.+*?()|[\]{}^$]*)(\.[*+])?$/.exec(pattern);
  if (found === null) return null;
  const literal = found[2]!;
  const before = found[1] === undefined ? -1 : found[1] === ".+" ? 1 : 0;
  const after = found[3] === undefined ? -1 : found[3] === ".+" ? 1 : 0;
  // Two of `.+` in a row need two characters, which is not two UTF-16 units.
  if (literal === "" && before >= 0 && after >= 0) return null;
  const least = literal.length + Math.max(before, 0) + Math.max(after, 0);
  if (before < 0) return (value) => value.length >= least && value.startsWith(literal);
  if (after < 0) return (value) => value.length >= least && value.endsWith(literal);
  if (before === 0 && after === 0) return (value) => value.includes(literal);
  return (value) => {
    const at = value.indexOf(literal, before);
    return at >= before && at + literal.length + after <= value.length;
  };
}

/** Go names the empty rest of the pattern here, re2js does not. */
export function goRegexMessage(thrown: unknown): string {
  const message = messageOf(thrown);
  return message.endsWith("trailing backslash at end of expression") ? `${message}: \`\`` : message;
}

function compileAnchored(pattern: string): Compiled {
  return RE2JS.compile(`^(?s:${pattern})$`);
}

/** As `compileAnchored`, but `\Q` may be left open. Errors are about the pattern as it was given. */
function compileClosed(pattern: string): Compiled {
  try {
    return compileAnchored(pattern);
  } catch {
    RE2JS.compile(pattern);
    return compileAnchored(`${pattern}\\E`);
  }
}

/** Compiled expressions, oldest first: a query's pattern comes again with each of its selects, a dashboard's with each query. */
const recent = new Map<string, CompiledRegex>();

/** Expressions remembered, and how long they may be. */
const recentMax = 64;
const recentUnitsMax = 4096;

/**
 * Longer ones, remembered as long as somebody has them: one query compiles its patterns when it is checked, when it is
 * evaluated and for each select, and a long one takes a third of a second.
 */
const recentLong = new Map<string, WeakRef<CompiledRegex>>();
let recentLongUnits = 0;
const recentLongUnitsMax = 2 ** 20;

function compileLong(pattern: string): CompiledRegex {
  const known = recentLong.get(pattern)?.deref();
  if (known !== undefined) return known;
  const regex = compile(pattern);
  if (pattern.length > recentLongUnitsMax) return regex;
  if (!recentLong.has(pattern)) recentLongUnits += pattern.length;
  recentLong.delete(pattern);
  recentLong.set(pattern, new WeakRef(regex));
  for (const oldest of recentLong.keys()) {
    if (recentLongUnits <= recentLongUnitsMax) break;
    recentLong.delete(oldest);
    recentLongUnits -= oldest.length;
  }
  return regex;
}

/**
 * Compiles an anchored expression, or takes one compiled before. Throws MODEL_REGEX with Go's message, and for
 * expressions that go to the automaton and are larger than `patternUnitsMax`.
 */
export function compileRegex(pattern: string): CompiledRegex {
  if (pattern.length > recentUnitsMax) return compileLong(pattern);
  const known = recent.get(pattern);
  const regex = known ?? compile(pattern);
  if (known !== undefined) recent.delete(pattern);
  else if (recent.size >= recentMax) {
    for (const oldest of recent.keys()) {
      recent.delete(oldest);
      break;
    }
  }
  recent.set(pattern, regex);
  return regex;
}

function compile(pattern: string): CompiledRegex {
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
  const alternation = matchAlternation(pattern);
  if (alternation !== null) return { matches: alternation, literals: null, prefix: "" };
  let whole: ((value: string) => boolean) | null = null;
  const fixed = matchFixed(pattern, (value) => {
    whole ??= automaton(pattern);
    return whole(value);
  });
  const prefix = literalPrefix(pattern);
  if (fixed !== null) return { matches: fixed, literals: null, prefix };
  return { matches: automaton(pattern), literals: null, prefix };
}

/** Compiles for the automaton, which remembers what it has seen. Throws MODEL_REGEX. */
function automaton(pattern: string): (value: string) => boolean {
  const size = Math.max(pattern.length, expandedSize(pattern));
  if (size > patternUnitsMax) {
    const text = `error parsing regexp: expression too large (${size}, the limit is ${patternUnitsMax})`;
    throw new ModelError("MODEL_REGEX", text, { size, max: patternUnitsMax });
  }
  let compiled: Compiled;
  try {
    // Only with a parenthesis can a pattern be wrong alone and yet right between others.
    if (pattern.includes(")")) RE2JS.compile(pattern);
    compiled = compileClosed(pattern);
  } catch (thrown) {
    throw new ModelError("MODEL_REGEX", goRegexMessage(thrown), { pattern }, { cause: thrown });
  }
  const seen = new Map<string, boolean>();
  return (value) => {
    const known = seen.get(value);
    if (known !== undefined) return known;
    const result = compiled.matches(value);
    if (value.length > memoValueUnitsMax) return result;
    if (seen.size >= regexMemoMax) seen.clear();
    seen.set(value, result);
    return result;
  };
}

/**
 * Largest pattern that goes to the automaton, which takes microseconds for each character, in one piece; repetitions
 * count as often as they may repeat. Alternations of literals, prefixes and suffixes may be of any length.
 */
const patternUnitsMax = 65_536;

/** Values remembered for one expression, none longer than this; full, it is emptied. */
const regexMemoMax = 4096;
const memoValueUnitsMax = 256;

/** Puts groups into a template, or gives null where the whole value does not match. */
export type Replacer = (value: string) => string | null;

/**
 * What label_replace and relabelling do: matches a whole value and expands `$1`, `${1}`, `${name}` and `$$` of a
 * template with its groups, as Go's Regexp.Expand. Null where the expression does not compile or is too large.
 */
export function compileReplacer(pattern: string, template: string): Replacer | null {
  // How labels are set without looking at any other: label_replace(v, "name", "value", "", "").
  if (pattern === "" && !template.includes("$")) {
    return (value) => (value === "" ? template : null);
  }
  let compiled: Compiled;
  if (expandedSize(pattern) > patternUnitsMax) return null;
  try {
    compiled = compileAnchored(pattern);
  } catch {
    return null;
  }
  const names = compiled.namedGroups();
  const parts = expandTemplate(template, (name) => names[name] ?? -1);
  return (value) => {
    const matcher = compiled.matcher(value);
    if (!matcher.matches()) return null;
    let out = "";
    for (const part of parts) {
      if (typeof part === "string") out += part;
      else if (part >= 0 && part <= matcher.groupCount()) out += matcher.group(part) ?? "";
    }
    return out;
  };
}

/** Literal text and group numbers of a template; an unknown name is −1. A `$` that starts nothing stands for itself. */
export function expandTemplate(
  template: string,
  groupOf: (name: string) => number,
): (string | number)[] {
  const parts: (string | number)[] = [];
  let rest = template;
  for (;;) {
    const at = rest.indexOf("$");
    if (at < 0) break;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at);
    if (rest.startsWith("$$")) {
      parts.push("$");
      rest = rest.slice(2);
      continue;
    }
    const name = /^\$(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u.exec(rest);
    if (name === null) {
      parts.push("$");
      rest = rest.slice(1);
      continue;
    }
    const text = name[1] ?? name[2]!;
    const number = /^[0-9]+$/.test(text) && !/^0./.test(text) ? Number(text) : Number.NaN;
    parts.push(number < 1e8 ? number : groupOf(text));
    rest = rest.slice(name[0].length);
  }
  parts.push(rest);
  return parts.filter((part) => part !== "");
}

/** Escapes what has a meaning in Go's expressions, so that the pattern matches `text` itself. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
