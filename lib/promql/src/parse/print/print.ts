// Trees back to text, in the one form Prometheus prints; parsing it gives the same tree.
import { formatPromDuration } from "@deucalion/base";
import { compareStrings, type Matcher } from "@deucalion/model";
import type {
  AggregateExpr,
  AtModifier,
  BinaryExpr,
  DurationExpr,
  Expr,
  MatrixSelector,
  SubqueryExpr,
  VectorSelector,
} from "../ast.ts";
import { parameterAggregators } from "../lex/tokens.ts";
import { quoteGo } from "./go-quote.ts";
import { plainNumber, shortNumber } from "./number-text.ts";

/** The text of a tree on one line, as Go's `String()` of Prometheus' nodes gives it. */
export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return numberText(expr);
    case "string":
      return quoteGo(expr.value);
    case "vector":
      return vectorText(expr);
    case "matrix":
      return matrixText(expr);
    case "subquery":
      return printExpr(expr.expr) + subquerySuffix(expr);
    case "aggregate": {
      const param =
        expr.param !== undefined && parameterAggregators.has(expr.op)
          ? `${printExpr(expr.param)}, `
          : "";
      return `${aggregateHead(expr)}(${param}${printExpr(expr.expr)})`;
    }
    case "binary":
      return `${printExpr(expr.left)} ${binaryHead(expr)} ${printExpr(expr.right)}`;
    case "call":
      return `${expr.func}(${expr.args.map(printExpr).join(", ")})`;
    case "unary":
      return expr.op + printExpr(expr.expr);
    case "paren":
      return `(${printExpr(expr.expr)})`;
    case "stepInvariant":
      return printExpr(expr.expr);
  }
}

/** `sum by (job) `: an aggregation up to its parenthesis. */
export function aggregateHead(expr: AggregateExpr): string {
  if (expr.without) return `${expr.op} without (${labelList(expr.grouping)}) `;
  return expr.grouping.length > 0 ? `${expr.op} by (${labelList(expr.grouping)}) ` : expr.op;
}

function labelList(labels: readonly string[]): string {
  return labels.map(labelText).join(", ");
}

function labelText(label: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) ? label : quoteGo(label);
}

/** `+ bool on (a) group_left (b)`: an operator with its modifiers. */
export function binaryHead(expr: BinaryExpr): string {
  let text: string = expr.op;
  if (expr.returnBool) text += " bool";
  const matching = expr.matching;
  if (matching === undefined) return text;
  const { card, labels, on, include, fillLeft, fillRight } = matching;
  const grouped = card === "many-to-one" || card === "one-to-many";
  if (labels.length > 0 || on || grouped)
    text += ` ${on ? "on" : "ignoring"} (${labelList(labels)})`;
  if (grouped)
    text += ` group_${card === "many-to-one" ? "left" : "right"} (${labelList(include)})`;
  if (fillLeft !== undefined && fillLeft === fillRight)
    return `${text} fill (${shortNumber(fillLeft)})`;
  if (fillLeft !== undefined) text += ` fill_left (${shortNumber(fillLeft)})`;
  if (fillRight !== undefined) text += ` fill_right (${shortNumber(fillRight)})`;
  return text;
}

function numberText(expr: { value: number; duration: boolean }): string {
  return expr.duration ? durationText(expr.value) : plainNumber(expr.value);
}

/** A number of seconds as a duration; parts below a millisecond are cut off as Go cuts them. */
function durationText(seconds: number): string {
  const ms = Math.trunc(Math.trunc(Math.abs(seconds) * 1e9) / 1e6);
  return (seconds < 0 ? "-" : "") + formatPromDuration(ms);
}

/** The text of a duration expression. */
export function printDuration(expr: DurationExpr): string {
  const text = bareDuration(expr);
  return expr.wrapped ? `(${text})` : text;
}

function bareDuration(expr: DurationExpr): string {
  const { op, left, right } = expr;
  if (op === "number")
    return numberText({ value: expr.value ?? 0, duration: expr.duration === true });
  if (op === "step" || op === "range") return `${op}()`;
  if (op === "min" || op === "max")
    return `${op}_of(${printDuration(left!)}, ${printDuration(right!)})`;
  if (left !== undefined) return `${printDuration(left)} ${op} ${printDuration(right!)}`;
  return (op === "-" ? "-" : "") + printDuration(right!);
}

function lengthText(ms: number, expr: DurationExpr | undefined): string {
  return expr === undefined ? formatPromDuration(ms) : printDuration(expr);
}

function atText(at: AtModifier | undefined): string {
  if (at === undefined) return "";
  return at.kind === "time" ? ` @ ${(at.ms / 1000).toFixed(3)}` : ` @ ${at.kind}()`;
}

function offsetText(node: VectorSelector | SubqueryExpr): string {
  if (node.offsetExpr === undefined && node.offsetMs === 0) return "";
  return ` offset ${lengthText(node.offsetMs, node.offsetExpr)}`;
}

function extensionText(selector: VectorSelector): string {
  if (selector.anchored) return " anchored";
  return selector.smoothed ? " smoothed" : "";
}

function matcherText(matcher: Matcher): string {
  return `${labelText(matcher.name)}${matcher.type}${quoteGo(matcher.value)}`;
}

function bareSelector(selector: VectorSelector): string {
  const { name, matchers } = selector;
  const texts: string[] = [];
  for (const matcher of matchers) {
    const isName = matcher.name === "__name__" && matcher.type === "=" && matcher.value === name;
    if (!isName || name === "") texts.push(matcherText(matcher));
  }
  return texts.length === 0 ? name : `${name}{${texts.sort(compareStrings).join(",")}}`;
}

function vectorText(selector: VectorSelector): string {
  return (
    bareSelector(selector) + atText(selector.at) + extensionText(selector) + offsetText(selector)
  );
}

function matrixText(matrix: MatrixSelector): string {
  const { selector } = matrix;
  const range = lengthText(matrix.rangeMs, matrix.rangeExpr);
  return (
    `${bareSelector(selector)}[${range}]` +
    extensionText(selector) +
    atText(selector.at) +
    offsetText(selector)
  );
}

/** `[5m:1m] @ 1.000 offset 1m`: a subquery behind its expression. */
export function subquerySuffix(node: SubqueryExpr): string {
  const step =
    node.stepMs === 0 && node.stepExpr === undefined ? "" : lengthText(node.stepMs, node.stepExpr);
  return `[${lengthText(node.rangeMs, node.rangeExpr)}:${step}]${atText(node.at)}${offsetText(node)}`;
}
