// Durations inside brackets and behind `offset`: literals, arithmetic, step(), range(), max_of(), min_of().
import type { DurationExpr } from "./ast.ts";
import { durationSeconds, numberValue } from "./lex/number-value.ts";
import type { TokenStream } from "./lex/token-stream.ts";
import { preprocessors, type Token } from "./lex/tokens.ts";

/** Called with the unexpected token next in the stream; says so in the words of where it stands. */
type Unexpected = () => never;

/** Literals, calls, signs and parentheses of one duration; more is a parse error, so recursion over it is safe. */
const durationPartsMax = 500;
const precedence: Readonly<Record<string, number>> = {
  "+": 1,
  "-": 1,
  "*": 2,
  "/": 2,
  "%": 2,
  "^": 3,
};
const nanosecondsMax = 2 ** 63 / 1e9;

/** The value in seconds of a NUMBER or DURATION token. */
export function literalValue(stream: TokenStream, token: Token): number {
  if (token.type === "DURATION") {
    const read = durationSeconds(token.text);
    return "problem" in read ? stream.fail(token.start, read.problem) : read.value;
  }
  const read = numberValue(token.text);
  if ("problem" in read) stream.fail(token.start, `error parsing number: ${read.problem}`);
  return read.value;
}

function isLiteral(token: Token): boolean {
  return token.type === "NUMBER" || token.type === "DURATION";
}

/** One duration of a text; made anew for each. */
export class DurationParser {
  readonly #stream: TokenStream;
  readonly #unexpected: Unexpected;
  #parts = 0;

  constructor(stream: TokenStream, unexpected: Unexpected) {
    this.#stream = stream;
    this.#unexpected = unexpected;
  }

  /** A duration in brackets, which must be positive where that is known already. */
  positive(): DurationExpr {
    const expr = this.#continue(this.#operand(), 0);
    if (expr.op === "number" && !(expr.value! > 0) && !Number.isNaN(expr.value))
      this.#stream.fail(expr.range.start, "duration must be greater than 0");
    return expr;
  }

  /** What follows `offset`: without parentheses only one literal or call, with its sign. */
  offset(): DurationExpr {
    const first = this.#stream.peek();
    if (first.type === "(") return this.#continue(this.#operand(), 0);
    if (first.type !== "+" && first.type !== "-") return this.#operand();
    this.#stream.take();
    const next = this.#stream.peek();
    if (isLiteral(next)) return this.#signed(first, this.#literal(this.#stream.take(), first));
    if (next.type === "(") {
      this.#stream.take();
      return this.#signed(first, wrap(this.#inParentheses(), null));
    }
    if (next.type === "+" || next.type === "-") {
      const operand = this.#continue(this.#operand(), 3);
      return this.#continue(this.#signed(first, operand), 0);
    }
    return this.#call(next, first);
  }

  #operand(): DurationExpr {
    const token = this.#stream.peek();
    if (++this.#parts > durationPartsMax)
      this.#stream.fail(token.start, `duration expression has more than ${durationPartsMax} parts`);
    if (isLiteral(token)) return this.#literal(this.#stream.take(), null);
    switch (token.type) {
      case "+":
      case "-":
        this.#stream.take();
        return this.#signed(token, this.#continue(this.#operand(), 3));
      case "(": {
        const left = this.#stream.take();
        const inner = this.#inParentheses();
        this.#experimental(inner.expr);
        return wrap(inner, left);
      }
    }
    return this.#call(token, null);
  }

  /** `step()`, `range()`, `max_of(a, b)`, `min_of(a, b)`, behind an optional sign. */
  #call(token: Token, sign: Token | null): DurationExpr {
    if (!preprocessors.has(token.type) || token.type === "start" || token.type === "end")
      this.#unexpected();
    this.#stream.take();
    this.#expect("(");
    const pair = token.type === "max_of" || token.type === "min_of";
    let call: DurationExpr;
    if (pair) {
      const left = this.#continue(this.#operand(), 0);
      this.#expect(",");
      const right = this.#continue(this.#operand(), 0);
      const range = { start: token.start, end: this.#expect(")").end };
      const op = token.type === "max_of" ? "max" : "min";
      call = { kind: "duration", op, left, right, wrapped: false, range };
      if (sign === null) this.#experimental(left);
    } else {
      const range = { start: token.start, end: this.#expect(")").end };
      const op = token.type as "step" | "range";
      call = { kind: "duration", op, wrapped: false, range };
    }
    const whole = sign === null ? call : unary(sign, call);
    this.#experimental(whole);
    return whole;
  }

  #inParentheses(): { expr: DurationExpr; end: number } {
    const expr = this.#continue(this.#operand(), 0);
    return { expr, end: this.#expect(")").end };
  }

  #expect(type: string): Token {
    return this.#stream.takeIf(type) ?? this.#unexpected();
  }

  /** Reads operators of at least `least` behind `left`. */
  #continue(first: DurationExpr, least: number): DurationExpr {
    let left = first;
    for (;;) {
      const sign = this.#stream.peek();
      const power = precedence[sign.type];
      if (power === undefined || power < least) return left;
      this.#stream.take();
      const right = this.#continue(this.#operand(), sign.type === "^" ? power : power + 1);
      this.#experimental(left);
      if (right.op === "number" && right.value === 0) {
        if (sign.type === "/") this.#stream.fail(sign.start, "division by zero");
        if (sign.type === "%") this.#stream.fail(sign.start, "modulo by zero");
      }
      left = {
        kind: "duration",
        op: sign.type as DurationExpr["op"],
        left,
        right,
        wrapped: false,
        range: { start: left.range.start, end: right.range.end },
      };
    }
  }

  #literal(token: Token, sign: Token | null): DurationExpr {
    const value = literalValue(this.#stream, token);
    this.#checkRange(value, sign ?? token);
    return {
      kind: "duration",
      op: "number",
      value,
      duration: token.type === "DURATION",
      wrapped: false,
      range: { start: token.start, end: token.end },
    };
  }

  #checkRange(value: number, at: Token): void {
    if (Math.abs(value) > nanosecondsMax) this.#stream.fail(at.start, "duration out of range");
  }

  #signed(sign: Token, expr: DurationExpr): DurationExpr {
    if (expr.op === "number") {
      const value = sign.type === "-" ? -expr.value! : expr.value!;
      return { ...expr, value, range: { start: sign.start, end: expr.range.end } };
    }
    return sign.type === "-" ? unary(sign, expr) : expr;
  }

  #experimental(expr: DurationExpr): void {
    if (!this.#stream.options.durationExpressions)
      this.#stream.fail(expr.range.start, "experimental duration expression is not enabled");
  }
}

function unary(sign: Token, right: DurationExpr): DurationExpr {
  return {
    kind: "duration",
    op: sign.type as "+" | "-",
    right,
    wrapped: false,
    range: { start: sign.start, end: right.range.end },
  };
}

/** Marks as written in parentheses; a literal gets a plus around it, which is where the mark is kept. */
function wrap(inner: { expr: DurationExpr; end: number }, left: Token | null): DurationExpr {
  const { expr, end } = inner;
  if (expr.op !== "number") return { ...expr, wrapped: true };
  const range = left === null ? expr.range : { start: left.start, end };
  return { kind: "duration", op: "+", right: expr, wrapped: true, range };
}
