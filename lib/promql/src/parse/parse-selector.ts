// The parts in braces and in grouping parentheses: label matchers, `by (…)`, `on (…)`.

import { messageOf } from "@deucalion/base";
import { Matcher, type MatchType } from "@deucalion/model";
import type { VectorSelector } from "./ast.ts";
import type { TokenStream } from "./lex/token-stream.ts";
import { isGroupingName, type Token } from "./lex/tokens.ts";
import { quoteGo, unquoteGo } from "./print/go-quote.ts";

const context = "label matching";
const matchSigns: ReadonlySet<string> = new Set(["=", "!=", "=~", "!~"]);

/** The value of a STRING token. */
export function stringValue(stream: TokenStream, token: Token): string {
  const value = unquoteGo(token.text);
  if (value === null)
    stream.fail(token.start, `error unquoting string ${quoteGo(token.text)}: invalid syntax`);
  return value;
}

function signOf(stream: TokenStream): MatchType | null {
  return matchSigns.has(stream.peek().type) ? (stream.take().type as MatchType) : null;
}

function parseMatcher(stream: TokenStream): Matcher {
  const type = stream.peek().type;
  if (type !== "IDENTIFIER" && type !== "STRING") {
    stream.unexpected(context, 'identifier or "}"');
  }
  const label = stream.take();
  const name = type === "STRING" ? stringValue(stream, label) : label.text;
  const sign = signOf(stream);
  if (sign === null) {
    if (type === "STRING") return new Matcher("=", "__name__", name);
    stream.unexpected(context, "label matching operator");
  }
  if (stream.peek().type !== "STRING") stream.unexpected(context, "string");
  const value = stringValue(stream, stream.take());
  try {
    return new Matcher(sign, name, value);
  } catch (thrown) {
    return stream.fail(label.start, messageOf(thrown));
  }
}

/** `{…}`, its left brace being next. Returns the matchers and the offset behind the right brace. */
function parseBraces(stream: TokenStream): { matchers: Matcher[]; end: number } {
  stream.take();
  const matchers: Matcher[] = [];
  for (;;) {
    const closing = stream.takeIf("}");
    if (closing !== null) return { matchers, end: closing.end };
    matchers.push(parseMatcher(stream));
    const end = stream.takeIf("}");
    if (end !== null) return { matchers, end: end.end };
    if (stream.takeIf(",") === null) stream.unexpected(context, '"," or "}"');
  }
}

/** A selector; `name` is the metric's token, already taken, or null where only braces follow. */
export function parseVectorSelector(stream: TokenStream, name: Token | null): VectorSelector {
  const start = name?.start ?? stream.peek().start;
  const braces = name === null || stream.peek().type === "{" ? parseBraces(stream) : null;
  const matchers = braces?.matchers ?? [];
  if (name !== null) matchers.push(new Matcher("=", "__name__", name.text));
  return {
    kind: "vector",
    name: name?.text ?? "",
    matchers,
    offsetMs: 0,
    anchored: false,
    smoothed: false,
    range: { start, end: braces?.end ?? name!.end },
  };
}

/** The labels of `(a, "b", …)`, whose left parenthesis is next, and the offset behind it. */
export function parseGrouping(stream: TokenStream): { labels: string[]; end: number } {
  if (stream.takeIf("(") === null) stream.unexpected("grouping opts", '"("');
  const labels: string[] = [];
  for (;;) {
    const closing = stream.takeIf(")");
    if (closing !== null) return { labels, end: closing.end };
    labels.push(parseGroupingLabel(stream));
    const end = stream.takeIf(")");
    if (end !== null) return { labels, end: end.end };
    if (stream.takeIf(",") === null) stream.unexpected("grouping opts", '"," or ")"');
  }
}

function parseGroupingLabel(stream: TokenStream): string {
  const type = stream.peek().type;
  if (type !== "STRING" && !isGroupingName(type)) stream.unexpected("grouping opts", "label");
  const token = stream.take();
  const label = type === "STRING" ? stringValue(stream, token) : token.text;
  if (label === "" || /\p{Cs}/u.test(label))
    stream.fail(token.start, `invalid label name for grouping: ${quoteGo(label)}`);
  return label;
}
