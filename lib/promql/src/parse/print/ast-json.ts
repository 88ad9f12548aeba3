// Trees as the JSON of /api/v1/parse_query.
import type { AtModifier, DurationExpr, Expr, SubqueryExpr, VectorSelector } from "../ast.ts";
import { functions } from "../function-signatures.ts";
import { plainNumber } from "./number-text.ts";

/** What JSON.stringify turns into the answer's `data`; keys are in alphabetical order, as Go writes them. */
export function astJson(expr: Expr): object {
  switch (expr.kind) {
    case "number":
      return { type: "numberLiteral", val: plainNumber(expr.value) };
    case "string":
      return { type: "stringLiteral", val: expr.value };
    case "vector":
      return sorted({ ...selectorJson(expr), type: "vectorSelector" });
    case "matrix":
      return sorted({
        ...selectorJson(expr.selector),
        range: expr.rangeMs,
        rangeExpr: durationJson(expr.rangeExpr),
        type: "matrixSelector",
      });
    case "subquery":
      return sorted({
        ...timedJson(expr),
        expr: astJson(expr.expr),
        range: expr.rangeMs,
        rangeExpr: durationJson(expr.rangeExpr),
        step: expr.stepMs,
        stepExpr: durationJson(expr.stepExpr),
        type: "subquery",
      });
    case "aggregate":
      return {
        expr: astJson(expr.expr),
        grouping: expr.grouping,
        op: expr.op,
        param: expr.param === undefined ? null : astJson(expr.param),
        type: "aggregation",
        without: expr.without,
      };
    case "binary":
      return {
        bool: expr.returnBool,
        lhs: astJson(expr.left),
        matching: matchingJson(expr.matching),
        op: expr.op,
        rhs: astJson(expr.right),
        type: "binaryExpr",
      };
    case "call":
      return { args: expr.args.map(astJson), func: functionJson(expr.func), type: "call" };
    case "unary":
      return { expr: astJson(expr.expr), op: expr.op, type: "unaryExpr" };
    case "paren":
      return { expr: astJson(expr.expr), type: "parenExpr" };
    case "stepInvariant":
      return astJson(expr.expr);
  }
}

function sorted(entries: object): object {
  return Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function atJson(at: AtModifier | undefined): object {
  return {
    startOrEnd: at === undefined || at.kind === "time" ? null : at.kind,
    timestamp: at?.kind === "time" ? at.ms : null,
  };
}

function timedJson(node: VectorSelector | SubqueryExpr): object {
  return {
    ...atJson(node.at),
    offset: node.offsetMs,
    offsetExpr: durationJson(node.offsetExpr),
  };
}

function selectorJson(selector: VectorSelector): object {
  return {
    ...timedJson(selector),
    anchored: selector.anchored,
    matchers: selector.matchers.map(({ name, type, value }) => ({ name, type, value })),
    name: selector.name,
    smoothed: selector.smoothed,
  };
}

function matchingJson(matching: (Expr & { kind: "binary" })["matching"]): object | null {
  if (matching === undefined) return null;
  const { card, labels, on, include, fillLeft, fillRight } = matching;
  const fillValues = { lhs: fillLeft ?? null, rhs: fillRight ?? null };
  return { card, fillValues, include, labels, on };
}

function functionJson(name: string): object {
  const { argTypes, variadic, returnType } = functions.get(name)!;
  return { argTypes, name, returnType, variadic };
}

function durationJson(expr: DurationExpr | undefined): object | null {
  if (expr === undefined) return null;
  if (expr.op === "number") {
    const duration = expr.duration === true;
    return { duration, type: "numberLiteral", val: plainNumber(expr.value ?? 0) };
  }
  const op = expr.op === "min" || expr.op === "max" ? `${expr.op}_of` : expr.op;
  return {
    lhs: durationJson(expr.left),
    op,
    rhs: durationJson(expr.right),
    type: "durationExpr",
    wrapped: expr.wrapped,
  };
}
