// Works out durations that were written as expressions, once the step and the range of the query are known.
import { PromqlError } from "../errors.ts";
import type {
  DurationExpr,
  Expr,
  MatrixSelector,
  SubqueryExpr,
  VectorSelector,
} from "../parse/ast.ts";

/** Step and range of the query in ms. */
export interface QueryTimes {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
}

function failure(expr: DurationExpr, text: string): PromqlError {
  const { start, end } = expr.range;
  return new PromqlError("PROMQL_PARSE", `${start}:${end}: ${text}`, { start, end });
}

function evaluate(expr: DurationExpr, times: QueryTimes): number {
  const left = expr.left === undefined ? undefined : evaluate(expr.left, times);
  const right = expr.right === undefined ? 0 : evaluate(expr.right, times);
  switch (expr.op) {
    case "number":
      return expr.value ?? 0;
    case "step":
      return times.stepMs / 1000;
    case "range":
      return (times.endMs - times.startMs) / 1000;
    case "min":
      return Math.min(left ?? 0, right);
    case "max":
      return Math.max(left ?? 0, right);
    case "+":
      return left === undefined ? right : left + right;
    case "-":
      return left === undefined ? -right : left - right;
    case "*":
      return (left ?? 0) * right;
    case "/":
      if (right === 0) throw failure(expr, "division by zero");
      return (left ?? 0) / right;
    case "%":
      if (right === 0) throw failure(expr, "modulo by zero");
      return (left ?? 0) % right;
    case "^":
      return (left ?? 0) ** right;
  }
}

/** Milliseconds of a duration expression. Throws PROMQL_PARSE in Prometheus' words. */
export function durationMs(expr: DurationExpr, times: QueryTimes, negative: boolean): number {
  const seconds = evaluate(expr, times);
  if (!Number.isFinite(seconds)) throw failure(expr, "duration is NaN or infinite");
  if (seconds <= 0 && !negative) throw failure(expr, "duration must be greater than 0");
  if (Math.abs(seconds) > 2 ** 63 / 1e9) throw failure(expr, "duration is out of range");
  return Math.trunc(seconds * 1000);
}

function resolveSelector(node: VectorSelector, times: QueryTimes): VectorSelector {
  let out = node;
  if (node.offsetExpr !== undefined) {
    const { offsetExpr, ...rest } = node;
    out = { ...rest, offsetMs: durationMs(offsetExpr, times, true) };
  }
  const at = out.at;
  if (at !== undefined && at.kind !== "time") {
    out = { ...out, at: { kind: "time", ms: at.kind === "start" ? times.startMs : times.endMs } };
  }
  return out;
}

function resolveSubquery(node: SubqueryExpr, times: QueryTimes): SubqueryExpr {
  const { offsetExpr, stepExpr, rangeExpr, at, ...rest } = node;
  let out: SubqueryExpr = rest;
  if (offsetExpr !== undefined) out = { ...out, offsetMs: durationMs(offsetExpr, times, true) };
  if (stepExpr !== undefined) out = { ...out, stepMs: durationMs(stepExpr, times, false) };
  if (rangeExpr !== undefined) out = { ...out, rangeMs: durationMs(rangeExpr, times, false) };
  if (at === undefined) return out;
  const ms = at.kind === "time" ? at.ms : at.kind === "start" ? times.startMs : times.endMs;
  return { ...out, at: { kind: "time", ms } };
}

function resolveMatrix(node: MatrixSelector, times: QueryTimes): MatrixSelector {
  const { rangeExpr, ...rest } = node;
  const rangeMs = rangeExpr === undefined ? node.rangeMs : durationMs(rangeExpr, times, false);
  return { ...rest, rangeMs, selector: resolveSelector(node.selector, times) };
}

/** Fixes durations, `@ start()` and `@ end()` of one node. */
export function resolveTimes(node: Expr, times: QueryTimes): Expr {
  switch (node.kind) {
    case "vector":
      return resolveSelector(node, times);
    case "matrix":
      return resolveMatrix(node, times);
    case "subquery":
      return resolveSubquery(node, times);
    default:
      return node;
  }
}
