// Alternations of simple parts (`a|b.*|.+c|.*d.*`), matched by looking the parts up instead of by an automaton.

interface Part {
  /** What may stand before and after the literal: −1 nothing, 0 anything (`.*`), 1 at least one character (`.+`). */
  readonly before: number;
  readonly literal: string;
  readonly after: number;
}

const special = /[\\.+*?()|[\]{}^$]/;
const escapable = "\\.+*?()|[]{}^$-/ \"'#&,:;<=>@`~!%";

/** Substrings are tried one after the other; with more of them the automaton is quicker. */
const substringsMax = 256;

/** Removes one pair of parentheses around the whole, where there are no others. */
function withoutGroup(pattern: string): string {
  if (!pattern.startsWith("(") || !pattern.endsWith(")") || pattern.endsWith("\\)")) return pattern;
  return pattern.slice(pattern.startsWith("(?:") ? 3 : 1, -1);
}

/** `.*` or `.+` at a place: 0 or 1; else −1. */
function dotsAt(text: string, at: number): number {
  if (text[at] !== ".") return -1;
  return text[at + 1] === "*" ? 0 : text[at + 1] === "+" ? 1 : -1;
}

/** One part from `at` to the next bar or the end; null where it is not simple. */
function readPart(text: string, at: number): { part: Part; next: number } | null {
  let next = at;
  const before = dotsAt(text, next);
  if (before >= 0) next += 2;
  let literal = "";
  let after = -1;
  for (; next < text.length && text[next] !== "|"; next++) {
    const letter = text[next]!;
    if (letter === "\\") {
      const escaped = text[++next] ?? "";
      if (escaped === "" || !escapable.includes(escaped)) return null;
      literal += escaped;
    } else if (special.test(letter)) {
      after = dotsAt(text, next);
      if (after < 0) return null;
      next += 2;
      break;
    } else literal += letter;
  }
  if (next < text.length && text[next] !== "|") return null;
  if (literal === "" && before >= 0 && after >= 0) return null;
  return { part: { before, literal, after }, next };
}

function readParts(pattern: string): Part[] | null {
  const text = withoutGroup(pattern);
  const parts: Part[] = [];
  for (let at = 0; at <= text.length; ) {
    const read = readPart(text, at);
    if (read === null) return null;
    parts.push(read.part);
    at = read.next + 1;
  }
  return parts;
}

/** Literals at one end of a value, by their length. */
class Ends {
  readonly #byLength = new Map<number, Set<string>>();
  readonly #atStart: boolean;
  /** Characters that must be left. */
  readonly #rest: number;

  constructor(atStart: boolean, rest: number) {
    this.#atStart = atStart;
    this.#rest = rest;
  }

  add(literal: string): void {
    const known = this.#byLength.get(literal.length);
    if (known === undefined) this.#byLength.set(literal.length, new Set([literal]));
    else known.add(literal);
  }

  matches(value: string): boolean {
    for (const [length, literals] of this.#byLength) {
      if (value.length < length + this.#rest) continue;
      const end = this.#atStart ? value.slice(0, length) : value.slice(value.length - length);
      if (literals.has(end)) return true;
    }
    return false;
  }
}

/** What matches an alternation of simple parts as a whole, or null for every other pattern. */
export function matchAlternation(pattern: string): ((value: string) => boolean) | null {
  const parts = readParts(pattern);
  if (parts === null) return null;
  const whole = new Set<string>();
  const starts = [new Ends(true, 0), new Ends(true, 1)] as const;
  const ends = [new Ends(false, 0), new Ends(false, 1)] as const;
  const inner: Part[] = [];
  for (const part of parts) {
    const { before, literal, after } = part;
    if (before < 0 && after < 0) whole.add(literal);
    else if (before < 0) starts[after as 0 | 1].add(literal);
    else if (after < 0) ends[before as 0 | 1].add(literal);
    else inner.push(part);
  }
  if (inner.length > substringsMax) return null;
  const within = ({ before, literal, after }: Part, value: string): boolean => {
    const at = value.indexOf(literal, before);
    return at >= 0 && at + literal.length + after <= value.length;
  };
  return (value) =>
    whole.has(value) ||
    starts[0].matches(value) ||
    starts[1].matches(value) ||
    ends[0].matches(value) ||
    ends[1].matches(value) ||
    inner.some((part) => within(part, value));
}
