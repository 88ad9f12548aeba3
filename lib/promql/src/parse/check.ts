// What a tree must be beyond its grammar: types of operands and arguments, modifiers where they mean something.
import type { AggregateExpr, BinaryExpr, Call, Expr, ValueType, VectorSelector } from "./ast.ts";
import { functions } from "./function-signatures.ts";
import type { TokenStream } from "./lex/token-stream.ts";
import { comparisonOperators, setOperators } from "./lex/tokens.ts";
import { quoteGo } from "./print/go-quote.ts";
import { typeName, typeOf } from "./types.ts";
import { childrenOf } from "./walk.ts";

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Nodes in one another; more is a parse error, so that whoever walks a tree may do so by recursion. */
export const treeDepthMax = 1000;

/** Throws PROMQL_PARSE for a tree deeper than `treeDepthMax`. Walks without recursion. */
export function limitDepth(stream: TokenStream, root: Expr): void {
  let level: Expr[] = [root];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > treeDepthMax)
      stream.fail(level[0]!.range.start, `expression is nested deeper than ${treeDepthMax} levels`);
    const next: Expr[] = [];
    for (const expr of level) next.push(...childrenOf(expr));
    level = next;
  }
}

/**
 * Checks a tree fresh from the parser and returns its type; throws PROMQL_PARSE. Completes the `matching` of binary
 * expressions in place: many-to-many for set operators, removed unless both sides are vectors.
 */
export function checkExpr(stream: TokenStream, expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "vector":
      checkSelector(stream, expr, false);
      return "vector";
    case "matrix":
      checkSelector(stream, expr.selector, false);
      return "matrix";
    case "paren":
    case "stepInvariant":
      return checkExpr(stream, expr.expr);
    case "unary": {
      const type = checkExpr(stream, expr.expr);
      if (type !== "scalar" && type !== "vector")
        stream.fail(
          expr.range.start,
          `unary expression only allowed on expressions of type scalar or instant vector, got ${quoteGo(typeName(type))}`,
        );
      return type;
    }
    case "subquery": {
      const type = checkExpr(stream, expr.expr);
      if (type !== "vector")
        stream.fail(
          expr.range.start,
          `subquery is only allowed on instant vector, got ${type} instead`,
        );
      return "matrix";
    }
    case "aggregate":
      return checkAggregate(stream, expr);
    case "binary":
      return checkBinary(stream, expr);
    case "call":
      return checkCall(stream, expr);
  }
}

function expectType(stream: TokenStream, expr: Expr, want: ValueType, context: string): void {
  mustBe(stream, expr, checkExpr(stream, expr), want, context);
}

function mustBe(
  stream: TokenStream,
  expr: Expr,
  got: ValueType,
  want: ValueType,
  context: string,
): void {
  if (got === want) return;
  const message = `expected type ${typeName(want)} in ${context}, got ${typeName(got)}`;
  stream.fail(expr.range.start, message);
}

function checkAggregate(stream: TokenStream, expr: AggregateExpr): ValueType {
  expectType(stream, expr.expr, "vector", "aggregation expression");
  if (expr.param !== undefined) {
    const type = expr.op === "count_values" ? "string" : "scalar";
    expectType(stream, expr.param, type, "aggregation parameter");
  }
  return "vector";
}

function checkBinary(stream: TokenStream, expr: BinaryExpr): ValueType {
  const left = checkExpr(stream, expr.left);
  const right = checkExpr(stream, expr.right);
  const matching = expr.matching as Draft<NonNullable<BinaryExpr["matching"]>>;
  const isSet = setOperators.has(expr.op);
  const fail = (message: string): never => stream.fail(expr.range.start, message);
  const failAtOperator = (message: string): never =>
    stream.fail(operatorStart(stream.text, expr), message);

  const isComparison = comparisonOperators.has(expr.op);
  if (expr.returnBool && !isComparison)
    failAtOperator("bool modifier can only be used on comparison operators");
  if (isComparison && !expr.returnBool && left === "scalar" && right === "scalar")
    failAtOperator("comparisons between scalars must use BOOL modifier");
  if (isSet && matching.card === "one-to-one") matching.card = "many-to-many";
  const shared = matching.on && matching.labels.find((label) => matching.include.includes(label));
  if (typeof shared === "string")
    failAtOperator(`label ${quoteGo(shared)} must not occur in ON and GROUP clause at once`);
  for (const [type, side] of [
    [left, expr.left],
    [right, expr.right],
  ] as const) {
    if (type !== "scalar" && type !== "vector")
      stream.fail(
        side.range.start,
        "binary expression must contain only scalar and instant vector types",
      );
  }
  const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
  if (left !== "vector" || right !== "vector") {
    if (matching.labels.length > 0) fail("vector matching only allowed between instant vectors");
    if (fills) fail("filling in missing series only allowed between instant vectors");
    delete (expr as { matching?: unknown }).matching;
  } else if (isSet) {
    if (matching.card !== "many-to-many") fail(`no grouping allowed for "${expr.op}" operation`);
    if (fills) fail("filling in missing series not allowed for set operators");
  }
  if (isSet && (left === "scalar" || right === "scalar"))
    fail(`set operator "${expr.op}" not allowed in binary scalar expression`);
  return left === "scalar" && right === "scalar" ? "scalar" : "vector";
}

/** Where Prometheus says an operator stands: at the first sign behind the left side that is no blank. */
function operatorStart(text: string, expr: BinaryExpr): number {
  let at = expr.left.range.end;
  while (/[ \t\r\n]/.test(text[at] ?? "")) at++;
  return at;
}

function checkCall(stream: TokenStream, expr: Call): ValueType {
  const { argTypes, variadic, returnType, name } = functions.get(expr.func)!;
  const got = expr.args.length;
  const fail = (words: string, count: number): void =>
    stream.fail(
      expr.range.start,
      `${words} ${count} argument(s) in call to ${quoteGo(name)}, got ${got}`,
    );
  if (variadic === 0) {
    if (argTypes.length !== got) fail("expected", argTypes.length);
  } else {
    const least = argTypes.length - 1;
    if (least > got) fail("expected at least", least);
    else if (variadic > 0 && least + variadic < got) fail("expected at most", least + variadic);
  }
  const isInfo = name === "info" && got > 1;
  if (isInfo) checkInfo(stream, expr);
  expr.args.forEach((arg, index) => {
    const want = argTypes[Math.min(index, argTypes.length - 1)]!;
    const type = isInfo && index === 1 ? "vector" : checkExpr(stream, arg);
    mustBe(stream, arg, type, want, `call to function ${quoteGo(name)}`);
  });
  return returnType;
}

/** The second argument of info() holds matchers only, and may match everything. */
function checkInfo(stream: TokenStream, call: Call): void {
  const arg = call.args[1]!;
  const type = typeOf(arg);
  if (type !== "vector") mustBe(stream, call, type, "vector", 'call to function "info"');
  if (arg.kind !== "vector") stream.fail(arg.range.start, "expected label selectors only");
  if (arg.name !== "")
    stream.fail(arg.range.start, "expected label selectors only, got vector selector instead");
  checkSelector(stream, arg, true);
}

function checkSelector(stream: TokenStream, selector: VectorSelector, mayBeEmpty: boolean): void {
  const { name, matchers } = selector;
  if (name !== "") {
    // The last matcher is that of the name in front of the braces.
    for (const matcher of matchers.slice(0, -1)) {
      if (matcher.name === "__name__")
        stream.fail(
          selector.range.start,
          `metric name must not be set twice: ${quoteGo(name)} or ${quoteGo(matcher.value)}`,
        );
    }
    return;
  }
  if (mayBeEmpty || matchers.some((matcher) => !matcher.matchesEmpty)) return;
  stream.fail(selector.range.start, "vector selector must contain at least one non-empty matcher");
}
