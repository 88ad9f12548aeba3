// The tree of a PromQL expression, shaped as Prometheus shapes it.
import type { Matcher } from "@deucalion/model";

/** Where a node stands in the text: UTF-16 offsets, end exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export type ValueType = "none" | "scalar" | "vector" | "matrix" | "string";

/** `@ 123`, `@ start()`, `@ end()`; ms for a fixed time. */
export type AtModifier =
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "start" | "end" };

/**
 * A length of time that may be computed: literal ms after parsing, or an expression (`step()`, `range()`, arithmetic)
 * that is worked out when the range of the query is known. `DurationExpr` only stays in trees until then.
 * A sign in front of a part is op "+" or "-" with `right` alone.
 */
export interface DurationExpr {
  readonly kind: "duration";
  readonly op: "+" | "-" | "*" | "/" | "%" | "^" | "step" | "range" | "min" | "max" | "number";
  /** Seconds, for op "number". */
  readonly value?: number;
  /** For op "number": it was written as a duration (`5m`), and is printed as one. */
  readonly duration?: boolean;
  readonly left?: DurationExpr;
  readonly right?: DurationExpr;
  readonly wrapped: boolean;
  readonly range: Range;
}

export interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
  /** The literal was written as a duration (`5m`), and is printed as one. */
  readonly duration: boolean;
  readonly range: Range;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly value: string;
  readonly range: Range;
}

export interface VectorSelector {
  readonly kind: "vector";
  /** "" where the name is only given by a matcher or not at all. */
  readonly name: string;
  /** All matchers, that of the name included. */
  readonly matchers: readonly Matcher[];
  readonly offsetMs: number;
  readonly offsetExpr?: DurationExpr;
  readonly at?: AtModifier;
  readonly anchored: boolean;
  readonly smoothed: boolean;
  readonly range: Range;
}

export interface MatrixSelector {
  readonly kind: "matrix";
  readonly selector: VectorSelector;
  readonly rangeMs: number;
  readonly rangeExpr?: DurationExpr;
  readonly range: Range;
}

export interface SubqueryExpr {
  readonly kind: "subquery";
  readonly expr: Expr;
  readonly rangeMs: number;
  readonly rangeExpr?: DurationExpr;
  /** 0 means the default. */
  readonly stepMs: number;
  readonly stepExpr?: DurationExpr;
  readonly offsetMs: number;
  readonly offsetExpr?: DurationExpr;
  readonly at?: AtModifier;
  readonly range: Range;
}

export type AggregateOp =
  | "sum"
  | "avg"
  | "count"
  | "min"
  | "max"
  | "group"
  | "stddev"
  | "stdvar"
  | "topk"
  | "bottomk"
  | "count_values"
  | "quantile"
  | "limitk"
  | "limit_ratio";

export interface AggregateExpr {
  readonly kind: "aggregate";
  readonly op: AggregateOp;
  readonly expr: Expr;
  readonly param?: Expr;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly range: Range;
}

export type BinaryOp =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^"
  | "atan2"
  | "=="
  | "!="
  | ">"
  | "<"
  | ">="
  | "<="
  | "and"
  | "or"
  | "unless"
  /** Histogram trimming. */
  | "</"
  | ">/";

export type MatchCardinality = "one-to-one" | "many-to-one" | "one-to-many" | "many-to-many";

export interface VectorMatching {
  readonly card: MatchCardinality;
  /** Labels of `on` or `ignoring`. */
  readonly labels: readonly string[];
  readonly on: boolean;
  /** Labels of `group_left` or `group_right`. */
  readonly include: readonly string[];
  /** Values for missing partners (`fill`, `fill_left`, `fill_right`). */
  readonly fillLeft?: number;
  readonly fillRight?: number;
}

export interface BinaryExpr {
  readonly kind: "binary";
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  /** Present where both sides are vectors. */
  readonly matching?: VectorMatching;
  readonly returnBool: boolean;
  readonly range: Range;
  /** Where the operator itself stands. */
  readonly opRange: Range;
}

export interface Call {
  readonly kind: "call";
  readonly func: string;
  readonly args: readonly Expr[];
  readonly range: Range;
}

export interface UnaryExpr {
  readonly kind: "unary";
  readonly op: "+" | "-";
  readonly expr: Expr;
  readonly range: Range;
}

export interface ParenExpr {
  readonly kind: "paren";
  readonly expr: Expr;
  readonly range: Range;
}

/** Put around a part whose value is the same at every step; made by the planner, never by the parser. */
export interface StepInvariantExpr {
  readonly kind: "stepInvariant";
  readonly expr: Expr;
  readonly range: Range;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | SubqueryExpr
  | AggregateExpr
  | BinaryExpr
  | Call
  | UnaryExpr
  | ParenExpr
  | StepInvariantExpr;

/** What the parser may accept beyond stable PromQL. All true is Prometheus with its features on. */
export interface ParseOptions {
  readonly experimentalFunctions: boolean;
  readonly durationExpressions: boolean;
  readonly extendedRangeSelectors: boolean;
  readonly binopFillModifiers: boolean;
  /** Thanos' `xrate`, `xincrease`, `xdelta`. */
  readonly xFunctions: boolean;
}

// parse/parse.ts exports:
//   parseExpr(text: string, options: ParseOptions): Expr                 throws PromqlError PROMQL_PARSE
//   parseMetricSelector(text: string, options: ParseOptions): Matcher[]
//   printExpr(expr: Expr): string, prettyExpr(expr: Expr): string        parse/print.ts, parse/pretty.ts
//   typeOf(expr: Expr): ValueType                                        parse/types.ts
//   functions: ReadonlyMap<string, FunctionSignature>                    parse/function-signatures.ts
