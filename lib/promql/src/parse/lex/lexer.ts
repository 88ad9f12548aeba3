// Text to tokens. Its modes and messages are those of Prometheus' scanner: what is wrong with a text is told here first.

import { parseError } from "../position.ts";
import { describeRune, quoteGo, quoteRune } from "../print/go-quote.ts";
import { scanDurationTail, scanNumber } from "./number-scan.ts";
import { keywords, type Token, type TokenType } from "./tokens.ts";

const durationWords: ReadonlySet<string> = new Set(["step", "range", "max_of", "min_of"]);
const digitsOf: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

export function isAlpha(char: string): boolean {
  return (char >= "a" && char <= "z") || (char >= "A" && char <= "Z") || char === "_";
}

export function isDigit(char: string): boolean {
  return char >= "0" && char <= "9" && char.length === 1;
}

function isSpace(char: string): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}

function isAlphaNumeric(char: string): boolean {
  return isAlpha(char) || isDigit(char);
}

/** Hands out tokens one at a time; `next()` throws PROMQL_PARSE where the text holds none. */
export class Lexer {
  readonly #text: string;
  #at = 0;
  #start = 0;
  #parenDepth = 0;
  #braceOpen = false;
  #bracketOpen = false;
  #gotColon = false;
  #gotDuration = false;
  /** Right after `[` and after operators in it, only parts of a duration are looked for. */
  #durationMode = false;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    for (;;) {
      this.#start = this.#at;
      const token = this.#braceOpen
        ? this.#insideBraces()
        : this.#durationMode
          ? this.#insideDuration()
          : this.#statement();
      if (token !== null) return token;
    }
  }

  /** The character (whole code point) `#at` stands on; "" at the end. */
  #peek(): string {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #advance(): string {
    const char = this.#peek();
    this.#at += char.length;
    return char;
  }

  #emit(type: TokenType): Token {
    const text = this.#text.slice(this.#start, this.#at);
    return { type, start: this.#start, end: this.#at, text };
  }

  #fail(message: string): never {
    throw parseError(this.#text, this.#start, message);
  }

  /** Fails at the place behind what was read. */
  #failBehind(message: string): never {
    throw parseError(this.#text, this.#at, message);
  }

  #skipSpaces(): null {
    while (isSpace(this.#peek())) this.#at++;
    return null;
  }

  #skipComment(): null {
    while (this.#at < this.#text.length && !/[\r\n]/.test(this.#text[this.#at]!)) this.#at++;
    return null;
  }

  #statement(): Token | null {
    if (this.#peek() === "#") return this.#skipComment();
    const char = this.#advance();
    if (isSpace(char)) return this.#skipSpaces();
    switch (char) {
      case "":
        if (this.#parenDepth !== 0) this.#fail("unclosed left parenthesis");
        if (this.#bracketOpen) this.#fail("unclosed left bracket");
        return this.#emit("EOF");
      case ",":
      case "*":
      case "/":
      case "%":
      case "+":
      case "-":
      case "^":
      case "@":
        return this.#emit(char);
      case "=":
        if (this.#peek() === "~") this.#fail("unexpected character after '=': '~'");
        return this.#withSecond("=", "=");
      case "!": {
        const second = this.#advance();
        if (second !== "=")
          this.#fail(`unexpected character after '!': ${quoteRune(second.codePointAt(0) ?? -1)}`);
        return this.#emit("!=");
      }
      case "<":
      case ">":
        return this.#withSecond(char, "=/");
      case '"':
      case "'":
      case "`":
        return this.#string(char);
      case "(":
        this.#parenDepth++;
        return this.#emit("(");
      case ")":
        return this.#rightParen();
      case "{":
        this.#braceOpen = true;
        return this.#emit("{");
      case "[":
        if (this.#bracketOpen) this.#fail("unexpected left bracket '['");
        this.#gotColon = false;
        this.#bracketOpen = true;
        this.#durationMode = true;
        return this.#emit("[");
      case "]":
        if (!this.#bracketOpen) this.#fail("unexpected right bracket ']'");
        this.#bracketOpen = false;
        return this.#emit("]");
    }
    return this.#wordOrNumber(char);
  }

  #wordOrNumber(char: string): Token {
    if (isDigit(char) || (char === "." && isDigit(this.#peek()))) return this.#number();
    if (!isAlpha(char) && char !== ":") this.#unexpected(char);
    if (!this.#bracketOpen) return this.#word();
    if (char === ":") {
      if (this.#gotColon) this.#fail("unexpected colon ':'");
      this.#gotColon = true;
      return this.#emit(":");
    }
    const word = this.#durationWord(char);
    if (word === null)
      this.#fail(`unexpected character: ${quoteRune(char.codePointAt(0)!)}, expected ':'`);
    return word;
  }

  #unexpected(char: string): never {
    this.#fail(`unexpected character: ${quoteRune(char.codePointAt(0)!)}`);
  }

  /** A sign that may be followed by one of `seconds`. */
  #withSecond(first: string, seconds: string): Token {
    const second = this.#peek();
    if (second === "" || !seconds.includes(second)) return this.#emit(first);
    this.#at++;
    return this.#emit(first + second);
  }

  #rightParen(): Token {
    if (--this.#parenDepth < 0) this.#failBehind("unexpected right parenthesis ')'");
    return this.#emit(")");
  }

  /** `step`, `range`, `max_of` or `min_of` inside brackets; null for anything else. */
  #durationWord(first: string): Token | null {
    if (!/^[srm]$/i.test(first)) return null;
    while (isAlpha(this.#peek())) this.#at++;
    const word = this.#text.slice(this.#start, this.#at).toLowerCase();
    return durationWords.has(word) ? this.#emit(word) : null;
  }

  #insideDuration(): Token | null {
    const char = this.#advance();
    if (isSpace(char)) return this.#skipSpaces();
    switch (char) {
      case "":
        return this.#fail("unexpected end of input in duration expression");
      case "]":
        this.#bracketOpen = false;
        this.#gotColon = false;
        this.#durationMode = false;
        return this.#emit("]");
      case ":":
        if (!this.#gotDuration)
          this.#failBehind("unexpected colon before duration in duration expression");
        if (this.#gotColon) this.#failBehind("unexpected repeated colon in duration expression");
        this.#gotColon = true;
        return this.#emit(":");
      case "(":
        this.#parenDepth++;
        return this.#emit("(");
      case ")":
        return this.#rightParen();
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
      case "^":
      case ",":
        return this.#emit(char);
    }
    if (isDigit(char) || (char === "." && isDigit(this.#peek()))) {
      this.#gotDuration = true;
      this.#durationMode = false;
      return this.#number();
    }
    const word = this.#durationWord(char);
    if (word !== null) return word;
    return this.#fail(
      `unexpected character in duration expression: ${quoteRune(char.codePointAt(0)!)}`,
    );
  }

  #insideBraces(): Token | null {
    if (this.#peek() === "#") return this.#skipComment();
    const char = this.#advance();
    if (isSpace(char)) return this.#skipSpaces();
    if (isAlpha(char)) {
      while (isAlphaNumeric(this.#peek())) this.#at++;
      return this.#emit("IDENTIFIER");
    }
    switch (char) {
      case "":
        return this.#fail("unexpected end of input inside braces");
      case ",":
        return this.#emit(",");
      case '"':
      case "'":
      case "`":
        return this.#string(char);
      case "=":
        return this.#withSecond("=", "~");
      case "!": {
        const second = this.#advance();
        if (second === "~" || second === "=") return this.#emit(`!${second}`);
        const shown = quoteRune(second.codePointAt(0) ?? -1);
        return this.#fail(`unexpected character after '!' inside braces: ${shown}`);
      }
      case "{":
        return this.#fail("unexpected left brace '{'");
      case "}":
        this.#braceOpen = false;
        return this.#emit("}");
    }
    const shown = quoteRune(char.codePointAt(0)!);
    return this.#fail(`unexpected character inside braces: ${shown}`);
  }

  #number(): Token {
    const scanned = scanNumber(this.#text, this.#start);
    if (scanned.ok) {
      this.#at = scanned.end;
      return this.#emit("NUMBER");
    }
    const tail = scanDurationTail(this.#text, scanned.end);
    this.#at = tail.end;
    if (tail.ok) return this.#emit("DURATION");
    const read = this.#text.slice(this.#start, this.#at);
    return this.#fail(`bad number or duration syntax: ${quoteGo(read)}`);
  }

  #word(): Token {
    while (isAlphaNumeric(this.#peek()) || this.#peek() === ":") this.#at++;
    const written = this.#text.slice(this.#start, this.#at);
    const word = written.toLowerCase();
    if (word === "inf" || word === "nan") return this.#emit("NUMBER");
    if (keywords.has(word)) {
      // A metric may be called fill: it is a modifier only in front of a parenthesis.
      const plain = word.startsWith("fill") && !/^[ \t\r\n]*\(/.test(this.#text.slice(this.#at));
      return this.#emit(plain ? "IDENTIFIER" : word);
    }
    return this.#emit(written.includes(":") ? "METRIC" : "IDENTIFIER");
  }

  #string(quote: string): Token {
    const raw = quote === "`";
    for (;;) {
      const char = this.#advance();
      if (char === quote) return this.#emit("STRING");
      if (char === "" || (char === "\n" && !raw))
        this.#fail(raw ? "unterminated raw string" : "unterminated quoted string");
      if (char === "\ufffd" || (char.length === 1 && char >= "\ud800" && char <= "\udfff"))
        this.#fail("invalid UTF-8 rune");
      if (char === "\\" && !raw) this.#escape(quote);
    }
  }

  #escape(quote: string): void {
    const letter = this.#advance();
    if (letter === "") this.#fail("escape sequence not terminated");
    if (letter === quote || "abfnrtv\\".includes(letter)) return;
    const octal = letter >= "0" && letter <= "7" && letter.length === 1;
    const count = octal ? 3 : digitsOf[letter];
    if (count === undefined)
      this.#fail(`unknown escape sequence ${describeRune(letter.codePointAt(0)!)}`);
    const base = octal ? 8 : 16;
    let value = octal ? Number(letter) : 0;
    for (let i = octal ? 1 : 0; i < count; i++) {
      const char = this.#advance();
      if (char === "") this.#fail("escape sequence not terminated");
      const digit = /^[0-9a-fA-F]$/.test(char) ? Number.parseInt(char, 16) : 16;
      if (digit >= base)
        this.#fail(`illegal character ${describeRune(char.codePointAt(0)!)} in escape sequence`);
      value = value * base + digit;
    }
    const max = octal || letter === "x" ? 255 : 0x10ffff;
    if (value > max || (value >= 0xd800 && value < 0xe000))
      this.#fail("escape sequence is an invalid Unicode code point");
  }
}
