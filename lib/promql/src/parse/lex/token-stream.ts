// Tokens with one of lookahead, read no earlier than needed: which of two errors is seen first depends on it.

import type { ParseOptions } from "../ast.ts";
import { parseError } from "../position.ts";
import { Lexer } from "./lexer.ts";
import { describeToken, type Token } from "./tokens.ts";

/** What the parts of the parser share: the text, its options, and the place in it. */
export class TokenStream {
  readonly text: string;
  readonly options: ParseOptions;
  readonly #lexer: Lexer;
  #ahead: Token | null = null;

  constructor(text: string, options: ParseOptions) {
    this.text = text;
    this.options = options;
    this.#lexer = new Lexer(text);
  }

  /** The next token without taking it. Throws PROMQL_PARSE where the text has none. */
  peek(): Token {
    this.#ahead ??= this.#lexer.next();
    return this.#ahead;
  }

  take(): Token {
    const token = this.peek();
    this.#ahead = null;
    return token;
  }

  /** Takes the next token if it is of this type. */
  takeIf(type: string): Token | null {
    return this.peek().type === type ? this.take() : null;
  }

  fail(offset: number, message: string): never {
    throw parseError(this.text, offset, message);
  }

  /** Fails with the next token as the unexpected one. */
  unexpected(context: string, expected = ""): never {
    const token = this.peek();
    const where = context === "" ? "" : ` in ${context}`;
    const wanted = expected === "" ? "" : `, expected ${expected}`;
    this.fail(token.start, `unexpected ${describeToken(token)}${where}${wanted}`);
  }
}
