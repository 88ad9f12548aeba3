// What the frontend has to know of a query: whether parts of its range can be asked alone, and how far ahead it looks.
import {
  type AtModifier,
  type DurationExpr,
  type Expr,
  type ParseOptions,
  PromqlError,
  parseExpr,
  printExpr,
  transformExpr,
  walkExpr,
} from "@deucalion/promql";
import type { Span } from "./split.ts";

export interface QueryFacts {
  readonly expr: Expr;
  /** The text with `@ start()` and `@ end()` as times, so that it means the same for every part. */
  readonly text: string;
  /** Puts places of `text` in warnings back to those of the query as it was given. */
  readonly place: (warning: string) => string;
  /** The value at a step depends on that step alone, not on the range asked for. */
  readonly splittable: boolean;
  /** The value at a time depends on the step. */
  readonly readsStep: boolean;
  /** How far after a step samples are read, ms; negative where all are older. */
  readonly aheadMs: number;
  /** The last time named by `@`, unix ms; -Infinity without. */
  readonly latestAtMs: number;
}

/** `step` is 0 where a part has one step only. */
const ofRange = new Set(["start", "end", "range", "step"]);

function durationWith(op: "range" | "step", expr: DurationExpr | undefined): boolean {
  if (expr === undefined) return false;
  return expr.op === op || durationWith(op, expr.left) || durationWith(op, expr.right);
}

/** True if a duration of the query is worked out from the length of the range, or from the step. */
function hasDurationOf(op: "range" | "step", root: Expr): boolean {
  let found = false;
  walkExpr(root, (node) => {
    if (node.kind === "vector") found ||= durationWith(op, node.offsetExpr);
    if (node.kind === "matrix") found ||= durationWith(op, node.rangeExpr);
    if (node.kind === "subquery") {
      found ||= durationWith(op, node.rangeExpr) || durationWith(op, node.stepExpr);
      found ||= durationWith(op, node.offsetExpr);
    }
    return !found;
  });
  return found;
}

function dependsOnRange(root: Expr): boolean {
  let found = hasDurationOf("range", root);
  walkExpr(root, (node) => {
    if (node.kind === "call" && ofRange.has(node.func)) found = true;
    return !found;
  });
  return found;
}

interface Reach {
  aheadMs: number;
  latestAtMs: number;
}

/** A lookback: smoothed selectors read that far ahead. Generous where it is not known. */
const smoothMs = 3_600_000;

function reach(node: Expr, shiftMs: number, fixedMs: number | null, out: Reach): void {
  let shift = shiftMs;
  let fixed = fixedMs;
  if (node.kind === "vector" || node.kind === "subquery") {
    // An offset that is worked out later may be anything: nothing is settled then.
    const offset = node.offsetExpr === undefined ? node.offsetMs : Number.NEGATIVE_INFINITY;
    if (node.at !== undefined) {
      fixed = node.at.kind === "time" ? node.at.ms : Number.POSITIVE_INFINITY;
      shift = 0;
    }
    shift -= offset;
    if (node.kind === "vector") {
      if (node.smoothed) shift += smoothMs;
      if (fixed === null) out.aheadMs = Math.max(out.aheadMs, shift);
      else out.latestAtMs = Math.max(out.latestAtMs, fixed + shift);
      return;
    }
    reach(node.expr, shift, fixed, out);
    return;
  }
  const below =
    node.kind === "matrix"
      ? [node.selector]
      : node.kind === "aggregate"
        ? [node.expr, ...(node.param === undefined ? [] : [node.param])]
        : node.kind === "binary"
          ? [node.left, node.right]
          : node.kind === "call"
            ? node.args
            : node.kind === "unary" || node.kind === "paren" || node.kind === "stepInvariant"
              ? [node.expr]
              : [];
  for (const child of below) reach(child, shift, fixed, out);
}

function hasRangeAt(root: Expr): boolean {
  let found = false;
  walkExpr(root, (node) => {
    const at = node.kind === "vector" || node.kind === "subquery" ? node.at : undefined;
    if (at !== undefined && at.kind !== "time") found = true;
    return !found;
  });
  return found;
}

function fixedAt(root: Expr, span: Span): Expr {
  const fix = (at: AtModifier): AtModifier =>
    at.kind === "time" ? at : { kind: "time", ms: at.kind === "start" ? span.startMs : span.endMs };
  return transformExpr(root, (node) =>
    (node.kind === "vector" || node.kind === "subquery") && node.at !== undefined
      ? { ...node, at: fix(node.at) }
      : node,
  );
}

/** Strings and comments, which are left alone, and the modifiers. */
const tokens =
  /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|`[^`]*`|#[^\n]*|(@\s*)(start|end)(\s*\(\s*\))/gi;

interface Replaced {
  readonly text: string;
  readonly place: (warning: string) => string;
}

/** The byte offset of a place `line:column`, both from 1. */
function offsetOf(text: Buffer, line: number, column: number): number {
  let at = 0;
  for (let i = 1; i < line; i++) {
    const end = text.indexOf(0x0a, at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  return at + column - 1;
}

function placeOf(text: Buffer, offset: number): string {
  const before = text.subarray(0, offset);
  let line = 1;
  for (const code of before) if (code === 0x0a) line++;
  return `${line}:${offset - (before.lastIndexOf(0x0a) + 1) + 1}`;
}

function replaceRangeAt(query: string, span: Span): Replaced {
  const cuts: { readonly from: number; readonly shift: number }[] = [];
  let shift = 0;
  const text = query.replace(
    tokens,
    (whole: string, at: string | undefined, word: string, rest: string, offset: number) => {
      if (at === undefined) return whole;
      const ms = word.toLowerCase() === "start" ? span.startMs : span.endMs;
      const time = (ms / 1000).toFixed(3);
      const end = Buffer.byteLength(query.slice(0, offset + whole.length));
      shift += time.length - word.length - rest.length;
      cuts.push({ from: end + shift, shift });
      return at + time;
    },
  );
  const [original, changed] = [Buffer.from(query), Buffer.from(text)];
  const place = (warning: string) =>
    warning.replace(/ \((\d+):(\d+)\)$/, (_, line: string, column: string) => {
      const offset = offsetOf(changed, Number(line), Number(column));
      let back = 0;
      for (const cut of cuts) if (offset >= cut.from) back = cut.shift;
      return ` (${placeOf(original, offset - back)})`;
    });
  return { text, place };
}

/** Facts of a range query; null if the text does not parse: then only the querier can answer. */
export function queryFacts(query: string, span: Span, parse: ParseOptions): QueryFacts | null {
  let expr: Expr;
  try {
    expr = parseExpr(query, parse);
  } catch (error) {
    if (error instanceof PromqlError) return null;
    throw error;
  }
  let replaced: Replaced = { text: query, place: (warning) => warning };
  let splittable = !dependsOnRange(expr);
  if (splittable && hasRangeAt(expr)) {
    const fixed = fixedAt(expr, span);
    const candidate = replaceRangeAt(query, span);
    try {
      splittable = printExpr(parseExpr(candidate.text, parse)) === printExpr(fixed);
    } catch {
      splittable = false;
    }
    if (splittable) replaced = candidate;
    expr = fixed;
  }
  const out: Reach = { aheadMs: Number.NEGATIVE_INFINITY, latestAtMs: Number.NEGATIVE_INFINITY };
  reach(expr, 0, null, out);
  const readsStep = hasDurationOf("step", expr);
  return { expr, ...replaced, splittable, readsStep, ...out };
}
