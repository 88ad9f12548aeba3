// What may stand behind an expression and changes it: offset, @, anchored, smoothed, [range], [range:step].
import type {
  AtModifier,
  DurationExpr,
  Expr,
  MatrixSelector,
  SubqueryExpr,
  VectorSelector,
} from "./ast.ts";
import { secondsToMs } from "./lex/number-value.ts";
import type { TokenStream } from "./lex/token-stream.ts";
import type { Token } from "./lex/tokens.ts";
import { DurationParser, literalValue } from "./parse-duration.ts";

const durationForms = "number, duration, step(), or range()";

type Timed = VectorSelector | SubqueryExpr;

/** Applies `change` to the selector or subquery that carries offset and `@`; null if there is none. */
function withTimed(expr: Expr, end: number, change: (timed: Timed) => object): Expr | null {
  const range = { start: expr.range.start, end };
  if (expr.kind === "vector" || expr.kind === "subquery") {
    return { ...expr, ...change(expr), range };
  }
  if (expr.kind !== "matrix") return null;
  const selector: VectorSelector = { ...expr.selector, ...change(expr.selector) };
  return { ...expr, selector, range };
}

function lengthOf<K extends "offset" | "range" | "step">(name: K, expr: DurationExpr): object {
  if (expr.op === "number") return { [`${name}Ms`]: secondsToMs(expr.value!) };
  return { [`${name}Ms`]: 0, [`${name}Expr`]: expr };
}

/** `offset …`, the word being taken. */
export function applyOffset(stream: TokenStream, expr: Expr): Expr {
  const parser = new DurationParser(stream, () => stream.unexpected("offset", durationForms));
  const duration = parser.offset();
  const changed = withTimed(expr, duration.range.end, (timed) => {
    if (timed.offsetMs !== 0 || timed.offsetExpr !== undefined)
      stream.fail(expr.range.start, "offset may not be set multiple times");
    return lengthOf("offset", duration);
  });
  return (
    changed ??
    stream.fail(
      expr.range.start,
      "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    )
  );
}

/** `@ …`, the sign being taken. */
export function applyAt(stream: TokenStream, expr: Expr): Expr {
  const unexpected = () => stream.unexpected("@", "timestamp");
  const word = stream.peek().type;
  if (word === "start" || word === "end") {
    stream.take();
    if (stream.takeIf("(") === null) unexpected();
    const end = stream.takeIf(")") ?? unexpected();
    return setAt(stream, expr, { kind: word }, end.end);
  }
  const sign = stream.takeIf("-") ?? stream.takeIf("+");
  const token = stream.peek();
  if (token.type !== "NUMBER" && token.type !== "DURATION") unexpected();
  stream.take();
  const value = literalValue(stream, token);
  const seconds = sign?.type === "-" ? -value : value;
  if (!Number.isFinite(seconds) || Math.abs(seconds) >= 2 ** 63) {
    const shown = fixedText(seconds);
    stream.fail(expr.range.start, `timestamp out of bounds for @ modifier: ${shown}`);
  }
  const ms = Math.sign(seconds) * Math.round(Math.abs(seconds) * 1000) + 0;
  return setAt(stream, expr, { kind: "time", ms }, token.end);
}

/** Go's `%f`. */
function fixedText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return `${BigInt(value)}.000000`;
}

function setAt(stream: TokenStream, expr: Expr, at: AtModifier, end: number): Expr {
  const changed = withTimed(expr, end, (timed) => {
    if (timed.at !== undefined)
      stream.fail(expr.range.start, "@ <timestamp> may not be set multiple times");
    return { at };
  });
  return (
    changed ??
    stream.fail(
      expr.range.start,
      "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    )
  );
}

/** `anchored` or `smoothed`, the word being taken. It does not lengthen the range of its node. */
export function applyExtension(
  stream: TokenStream,
  expr: Expr,
  word: "anchored" | "smoothed",
): Expr {
  const fail = (message: string) => stream.fail(expr.range.start, message);
  if (!stream.options.extendedRangeSelectors)
    fail(`${word} modifier is experimental and not enabled`);
  if (expr.kind === "subquery") fail(`${word} modifier is not supported for subqueries`);
  if (expr.kind !== "vector" && expr.kind !== "matrix") fail(`${word} modifier not implemented`);
  const selector = (expr.kind === "matrix" ? expr.selector : expr) as VectorSelector;
  const other = word === "anchored" ? selector.smoothed : selector.anchored;
  if (other) fail("anchored and smoothed modifiers cannot be used together");
  const changed: VectorSelector = { ...selector, [word]: true };
  return expr.kind === "matrix" ? { ...expr, selector: changed } : changed;
}

/** `[…]` behind an expression, its left bracket being taken. */
export function applyRange(stream: TokenStream, expr: Expr, bracket: Token): Expr {
  const range = new DurationParser(stream, () =>
    stream.unexpected("subquery or range selector", durationForms),
  ).positive();
  const end = stream.takeIf("]");
  if (end !== null) return matrixOf(stream, expr, range, bracket, end.end);
  if (stream.takeIf(":") === null) stream.unexpected("subquery or range", '":" or "]"');
  return subqueryOf(stream, expr, range);
}

function matrixOf(
  stream: TokenStream,
  expr: Expr,
  duration: DurationExpr,
  bracket: Token,
  end: number,
): MatrixSelector {
  const fail = (message: string): never => stream.fail(bracket.start, message);
  if (expr.kind !== "vector") return fail("ranges only allowed for vector selectors");
  if (expr.offsetMs !== 0 || expr.offsetExpr !== undefined)
    fail("no offset modifiers allowed before range");
  if (expr.at !== undefined) fail("no @ modifiers allowed before range");
  return {
    kind: "matrix",
    selector: expr,
    rangeMs: 0,
    ...lengthOf("range", duration),
    range: { start: expr.range.start, end },
  };
}

function subqueryOf(stream: TokenStream, expr: Expr, range: DurationExpr): SubqueryExpr {
  const end = stream.takeIf("]");
  const step =
    end !== null
      ? null
      : new DurationParser(stream, () =>
          stream.unexpected("subquery selector", 'number, duration, step(), range(), or "]"'),
        ).positive();
  const close = end ?? stream.takeIf("]") ?? stream.unexpected("subquery selector", '"]"');
  return {
    kind: "subquery",
    expr,
    rangeMs: 0,
    stepMs: 0,
    offsetMs: 0,
    ...lengthOf("range", range),
    ...(step === null ? {} : lengthOf("step", step)),
    range: { start: expr.range.start, end: close.end },
  };
}
