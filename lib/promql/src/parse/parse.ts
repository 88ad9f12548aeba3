// Text to tree: an operator-precedence parser with its own stack, so that no nesting overflows JavaScript's.
// Which token is called unexpected, and where, follows Prometheus' grammar; docs/decisions/0002 says why it is our own.
import type { Matcher } from "@deucalion/model";
import type { AggregateOp, BinaryOp, Expr, ParseOptions } from "./ast.ts";
import { type BinaryModifiers, parseBinaryModifiers } from "./binary-modifiers.ts";
import { checkExpr, limitDepth } from "./check.ts";
import { functions } from "./function-signatures.ts";
import { TokenStream } from "./lex/token-stream.ts";
import {
  aggregators,
  isMetricName,
  parameterAggregators,
  preprocessors,
  type Token,
} from "./lex/tokens.ts";
import { applyAt, applyExtension, applyOffset, applyRange } from "./modifiers.ts";
import { literalValue } from "./parse-duration.ts";
import { parseGrouping, parseVectorSelector, stringValue } from "./parse-selector.ts";
import { quoteGo } from "./print/go-quote.ts";
import { RecentExprs } from "./recent-exprs.ts";

const recent = new RecentExprs();

/**
 * Parses and checks an expression, or gives the tree of one parsed before: nobody may change it. Throws PROMQL_PARSE in
 * Prometheus' words, with line and column as data.
 */
export function parseExpr(text: string, options: ParseOptions): Expr {
  return recent.get(text, options, () => parseAnew(text, options));
}

function parseAnew(text: string, options: ParseOptions): Expr {
  const stream = new TokenStream(text, options);
  if (stream.peek().type === "EOF") stream.fail(0, "no expression found in input");
  const expr = new ExprParser(stream).parse();
  limitDepth(stream, expr);
  checkExpr(stream, expr);
  return expr;
}

/** Parses what `match[]` takes: a metric name, matchers in braces, or both. Throws PROMQL_PARSE. */
export function parseMetricSelector(text: string, options: ParseOptions): Matcher[] {
  const stream = new TokenStream(text, options);
  const first = stream.peek();
  if (first.type !== "{" && !isMetricName(first.type)) stream.unexpected("");
  const selector = parseVectorSelector(stream, first.type === "{" ? null : stream.take());
  if (stream.peek().type !== "EOF") stream.unexpected("");
  return [...selector.matchers];
}

const precedence: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "</": 3,
  ">/": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};
/** A sign in front binds as tightly as `*`. */
const unaryPrecedence = 5;

interface Grouping {
  readonly labels: readonly string[];
  readonly without: boolean;
}

/** What is open to the left of the place in the text. */
type Frame =
  | { readonly kind: "paren"; readonly open: Token }
  | { readonly kind: "call"; readonly name: Token; readonly args: Expr[] }
  | {
      readonly kind: "aggregate";
      readonly op: Token;
      readonly grouping: Grouping | null;
      readonly args: Expr[];
    }
  | { readonly kind: "unary"; readonly sign: Token }
  | {
      readonly kind: "binary";
      readonly left: Expr;
      readonly op: Token;
      readonly modifiers: BinaryModifiers;
    };

class ExprParser {
  readonly #stream: TokenStream;
  readonly #frames: Frame[] = [];
  /** Aggregations among the frames: inside one, an unexpected token is unexpected "in aggregation". */
  #aggregations = 0;

  constructor(stream: TokenStream) {
    this.#stream = stream;
  }

  parse(): Expr {
    let operand = this.#operand();
    for (;;) {
      if (operand === null) {
        operand = this.#operand();
        continue;
      }
      const token = this.#stream.peek();
      const behind = this.#postfix(token, operand);
      if (behind !== null) {
        operand = behind;
        continue;
      }
      const power = precedence[token.type];
      if (power !== undefined) {
        this.#pushBinary(this.#reduce(operand, power, token.type === "^"), this.#stream.take());
        operand = null;
        continue;
      }
      operand = this.#reduce(operand, 0, false);
      if (token.type === "EOF" && this.#frames.length === 0) return operand;
      operand = this.#close(token, operand);
    }
  }

  #unexpected(): never {
    this.#stream.unexpected(this.#aggregations > 0 ? "aggregation" : "");
  }

  /** Reads an operand, or opens a frame and returns null if the operand is still to come. */
  #operand(): Expr | null {
    const stream = this.#stream;
    const token = stream.peek();
    switch (token.type) {
      case "+":
      case "-":
        this.#frames.push({ kind: "unary", sign: stream.take() });
        return null;
      case "(":
        this.#frames.push({ kind: "paren", open: stream.take() });
        return null;
      case "{":
        return parseVectorSelector(stream, null);
      case "NUMBER":
      case "DURATION": {
        stream.take();
        const value = literalValue(stream, token);
        const duration = token.type === "DURATION";
        return {
          kind: "number",
          value,
          duration,
          range: { start: token.start, end: token.end },
        };
      }
      case "STRING": {
        stream.take();
        const value = stringValue(stream, token);
        return { kind: "string", value, range: { start: token.start, end: token.end } };
      }
      case ")":
        return this.#emptyArguments();
    }
    if (!isMetricName(token.type)) this.#noOperand();
    stream.take();
    const next = stream.peek().type;
    if (aggregators.has(token.type)) {
      if (next === "(" || next === "by" || next === "without") return this.#openAggregate(token);
    } else if (next === "(" && (token.type === "IDENTIFIER" || preprocessors.has(token.type))) {
      stream.take();
      this.#frames.push({ kind: "call", name: token, args: [] });
      return null;
    }
    return parseVectorSelector(stream, token);
  }

  #openAggregate(op: Token): null {
    this.#aggregations++;
    const stream = this.#stream;
    const grouping = stream.peek().type === "(" ? null : this.#grouping();
    if (stream.takeIf("(") === null) this.#unexpected();
    this.#frames.push({ kind: "aggregate", op, grouping, args: [] });
    return null;
  }

  #grouping(): Grouping {
    const without = this.#stream.take().type === "without";
    return { labels: parseGrouping(this.#stream).labels, without };
  }

  /** A token that begins no operand: a call may end after a comma in no way, and says so. */
  #noOperand(): never {
    const top = this.#frames.at(-1);
    if ((top?.kind === "call" || top?.kind === "aggregate") && top.args.length > 0)
      this.#stream.fail(this.#lastComma, "trailing commas not allowed in function call args");
    this.#unexpected();
  }

  #lastComma = 0;

  #emptyArguments(): Expr {
    const top = this.#frames.at(-1);
    if ((top?.kind === "call" || top?.kind === "aggregate") && top.args.length === 0) {
      const close = this.#stream.take();
      this.#frames.pop();
      return top.kind === "call" ? this.#call(top.name, [], close) : this.#aggregate(top, close);
    }
    return this.#noOperand();
  }

  /** Modifiers bind tighter than any operator. Null if the token is none. */
  #postfix(token: Token, operand: Expr): Expr | null {
    const stream = this.#stream;
    switch (token.type) {
      case "offset":
        stream.take();
        return applyOffset(stream, operand);
      case "@":
        stream.take();
        return applyAt(stream, operand);
      case "anchored":
      case "smoothed":
        stream.take();
        return applyExtension(stream, operand, token.type);
      case "[":
        return applyRange(stream, operand, stream.take());
    }
    return null;
  }

  #pushBinary(left: Expr, op: Token): void {
    const modifiers = parseBinaryModifiers(this.#stream, () => this.#unexpected());
    this.#frames.push({ kind: "binary", left, op, modifiers });
  }

  /** Completes the operators on the stack that bind tighter than `power`, or as tightly if that goes to the left. */
  #reduce(operand: Expr, power: number, toTheRight: boolean): Expr {
    let expr = operand;
    for (;;) {
      const top = this.#frames.at(-1);
      if (top?.kind === "unary") {
        if (unaryPrecedence < power) return expr;
        expr = signed(top.sign, expr);
      } else if (top?.kind === "binary") {
        const mine = precedence[top.op.type]!;
        if (mine < power || (mine === power && toTheRight)) return expr;
        expr = this.#binary(top, expr);
      } else return expr;
      this.#frames.pop();
    }
  }

  #binary(frame: Frame & { kind: "binary" }, right: Expr): Expr {
    const { left, op, modifiers } = frame;
    const { matching, returnBool } = modifiers;
    const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
    if (fills && !this.#stream.options.binopFillModifiers)
      this.#stream.fail(left.range.start, "binop fill modifiers are experimental and not enabled");
    return {
      kind: "binary",
      op: op.type as BinaryOp,
      left,
      right,
      matching,
      returnBool,
      range: { start: left.range.start, end: right.range.end },
      opRange: { start: op.start, end: op.end },
    };
  }

  /** Takes a comma or a right parenthesis behind a complete operand. */
  #close(token: Token, operand: Expr): Expr | null {
    const top = this.#frames.at(-1);
    if (top === undefined || top.kind === "unary" || top.kind === "binary") this.#unexpected();
    if (token.type === "," && top.kind !== "paren") {
      this.#lastComma = this.#stream.take().start;
      top.args.push(operand);
      return null;
    }
    if (token.type !== ")") this.#unexpected();
    const close = this.#stream.take();
    this.#frames.pop();
    if (top.kind === "paren") {
      const range = { start: top.open.start, end: close.end };
      return { kind: "paren", expr: operand, range };
    }
    top.args.push(operand);
    return top.kind === "call"
      ? this.#call(top.name, top.args, close)
      : this.#aggregate(top, close);
  }

  #call(name: Token, args: readonly Expr[], close: Token): Expr {
    const { options } = this.#stream;
    const signature = functions.get(name.text);
    if (signature === undefined || (signature.extended && !options.xFunctions))
      return this.#stream.fail(name.start, `unknown function with name ${quoteGo(name.text)}`);
    if (signature.experimental && !options.experimentalFunctions)
      this.#stream.fail(name.start, `function ${quoteGo(name.text)} is not enabled`);
    return { kind: "call", func: name.text, args, range: { start: name.start, end: close.end } };
  }

  #aggregate(frame: Frame & { kind: "aggregate" }, close: Token): Expr {
    const { op, args } = frame;
    const fail = (message: string): never => this.#stream.fail(op.start, message);
    let end = close.end;
    let grouping = frame.grouping;
    if (grouping === null) {
      const next = this.#stream.peek().type;
      if (next === "by" || next === "without") {
        this.#stream.take();
        const { labels, end: behind } = parseGrouping(this.#stream);
        grouping = { labels, without: next === "without" };
        end = behind;
      }
    }
    this.#aggregations--;
    if (args.length === 0) fail("no arguments for aggregate expression provided");
    const parameter = parameterAggregators.has(op.type);
    if (op.type.startsWith("limit") && !this.#stream.options.experimentalFunctions)
      fail(
        `${op.type}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`,
      );
    const wanted = parameter ? 2 : 1;
    if (args.length !== wanted)
      fail(
        `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
      );
    return {
      kind: "aggregate",
      op: op.type as AggregateOp,
      expr: args[wanted - 1]!,
      ...(parameter ? { param: args[0]! } : {}),
      grouping: grouping?.labels ?? [],
      without: grouping?.without ?? false,
      range: { start: op.start, end },
    };
  }
}

function signed(sign: Token, expr: Expr): Expr {
  const range = { start: sign.start, end: expr.range.end };
  if (expr.kind !== "number") return { kind: "unary", op: sign.type as "+" | "-", expr, range };
  return { ...expr, value: sign.type === "-" ? -expr.value : expr.value, range };
}
