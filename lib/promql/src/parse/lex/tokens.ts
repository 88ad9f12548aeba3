// The words and signs of PromQL, and how Prometheus names them in messages.
import { quoteGo } from "../print/go-quote.ts";

/**
 * What a token is: "EOF", "IDENTIFIER", "METRIC" (a name with colons), "NUMBER", "DURATION", "STRING",
 * or the sign or lower-case word itself.
 */
export type TokenType = string;

/** A piece of the text: UTF-16 offsets, end exclusive. */
export interface Token {
  readonly type: TokenType;
  readonly start: number;
  readonly end: number;
  /** As written. */
  readonly text: string;
}

export const aggregators: ReadonlySet<string> = new Set([
  "sum",
  "avg",
  "count",
  "min",
  "max",
  "group",
  "stddev",
  "stdvar",
  "topk",
  "bottomk",
  "count_values",
  "quantile",
  "limitk",
  "limit_ratio",
]);

export const parameterAggregators: ReadonlySet<string> = new Set([
  "topk",
  "bottomk",
  "count_values",
  "quantile",
  "limitk",
  "limit_ratio",
]);

export const setOperators: ReadonlySet<string> = new Set(["and", "or", "unless"]);
export const comparisonOperators: ReadonlySet<string> = new Set(["==", "!=", "<=", "<", ">=", ">"]);

const operators: ReadonlySet<string> = new Set([
  ...setOperators,
  ...comparisonOperators,
  "atan2",
  "+",
  "-",
  "*",
  "/",
  "%",
  "^",
  "</",
  ">/",
  "=~",
  "!~",
  "@",
]);

const modifiers: ReadonlySet<string> = new Set([
  "offset",
  "smoothed",
  "anchored",
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "fill",
  "fill_left",
  "fill_right",
  "bool",
]);

/** Words that are functions, parts of `@` or of durations. */
export const preprocessors: ReadonlySet<string> = new Set([
  "start",
  "end",
  "step",
  "range",
  "max_of",
  "min_of",
]);

/** Lower-case words that are not identifiers. `inf` and `nan` are numbers and not in here. */
export const keywords: ReadonlySet<string> = new Set([
  ...setOperators,
  "atan2",
  ...aggregators,
  ...modifiers,
  ...preprocessors,
]);

const notMetricNames: ReadonlySet<string> = new Set([
  "atan2",
  "bool",
  "on",
  "ignoring",
  "group_left",
  "group_right",
]);

/** True if a token may be the name of a metric where an expression begins. */
export function isMetricName(type: TokenType): boolean {
  if (type === "IDENTIFIER" || type === "METRIC") return true;
  return keywords.has(type) && !notMetricNames.has(type);
}

/** True if an expression may begin with a token. */
export function beginsOperand(type: TokenType): boolean {
  return isMetricName(type) || operandSigns.has(type);
}

const operandSigns: ReadonlySet<string> = new Set([
  "+",
  "-",
  "(",
  "{",
  "NUMBER",
  "DURATION",
  "STRING",
]);

/** True if a token may be a label inside `by (…)`, `on (…)` and the like; `without` may not. */
export function isGroupingName(type: TokenType): boolean {
  if (type === "IDENTIFIER" || type === "METRIC") return true;
  return keywords.has(type) && type !== "without";
}

const kinds: Readonly<Record<string, string>> = {
  IDENTIFIER: "identifier",
  METRIC: "metric identifier",
  STRING: "string",
  NUMBER: "number",
  DURATION: "duration",
};

/** `identifier "foo"`, `<op:+>`, `end of input`: the words after "unexpected". */
export function describeToken(token: Token): string {
  const { type, text } = token;
  if (type === "EOF") return "end of input";
  if (type === "IDENTIFIER" || type === "METRIC") return `${kinds[type]} ${quoteGo(text)}`;
  if (modifiers.has(type)) return `<${text}>`;
  if (operators.has(type)) return `<op:${text}>`;
  if (aggregators.has(type)) return `<aggr:${text}>`;
  const kind = kinds[type];
  const quoted =
    utf8Length(text) > 10 ? `${quoteGo([...text].slice(0, 10).join(""))}...` : quoteGo(text);
  return kind === undefined ? quoted : `${kind} ${quoted}`;
}

function utf8Length(text: string): number {
  return text.length > 10 ? text.length : Buffer.byteLength(text);
}
