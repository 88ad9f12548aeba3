// Cuts a template into text, delimiters and the items between them.
import { describeRune, quoteGo } from "@deucalion/promql";

export type ItemKind =
  | "error"
  | "bool"
  | "char"
  | "charConstant"
  | "complex"
  | "assign"
  | "declare"
  | "eof"
  | "field"
  | "identifier"
  | "leftDelim"
  | "leftParen"
  | "number"
  | "pipe"
  | "rawString"
  | "rightDelim"
  | "rightParen"
  | "space"
  | "string"
  | "text"
  | "variable"
  | "keyword";

export interface Item {
  readonly kind: ItemKind;
  readonly at: number;
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

const keywords: ReadonlySet<string> = new Set([
  ".",
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "nil",
  "template",
  "with",
]);

/** True for a keyword, the dot and `nil` among them. */
export function isKeyword(item: Item, word: string): boolean {
  return item.kind === "keyword" && item.text === word;
}

/** An item as messages show it. */
export function itemText({ kind, text }: Item): string {
  if (kind === "eof") return "EOF";
  if (kind === "error") return text;
  if (kind === "keyword") return `<${text}>`;
  const chars = [...text];
  return chars.length > 10 || Buffer.byteLength(text) > 10
    ? `${quoteGo(chars.slice(0, 10).join(""))}...`
    : quoteGo(text);
}

const spaces = " \t\r\n";
const wordChar = /[\p{L}\p{Nd}_]/u;

function isSpace(char: string): boolean {
  return char !== "" && spaces.includes(char);
}

function isWord(char: string): boolean {
  return char !== "" && wordChar.test(char);
}

/** Gives one item after another; behind an error only ends. */
export class Lexer {
  readonly #input: string;
  #at = 0;
  #start = 0;
  #line = 1;
  #startLine = 1;
  #depth = 0;
  #inside = false;
  #failed = false;

  constructor(input: string) {
    this.#input = input;
  }

  next(): Item {
    if (this.#failed) return { kind: "eof", at: 0, text: "EOF", line: this.#startLine };
    return this.#inside ? this.#action() : this.#outside();
  }

  #char(): string {
    const code = this.#input.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #starts(text: string, at = this.#at): boolean {
    return this.#input.startsWith(text, at);
  }

  #emit(kind: ItemKind): Item {
    const item = {
      kind,
      at: this.#start,
      text: this.#input.slice(this.#start, this.#at),
      line: this.#startLine,
    };
    this.#skip();
    return item;
  }

  /** Begins the next item here. */
  #skip(): void {
    for (let i = this.#start; i < this.#at; i++) if (this.#input[i] === "\n") this.#line++;
    this.#start = this.#at;
    this.#startLine = this.#line;
  }

  #error(text: string): Item {
    const item: Item = { kind: "error", at: this.#start, text, line: this.#startLine };
    this.#failed = true;
    return item;
  }

  #outside(): Item {
    for (;;) {
      const open = this.#input.indexOf("{{", this.#at);
      if (open < 0) {
        this.#at = this.#input.length;
        return this.#at > this.#start ? this.#emit("text") : this.#end();
      }
      if (open > this.#at) {
        let end = open;
        if (this.#trimsLeft(open + 2))
          while (end > this.#start && isSpace(this.#input[end - 1]!)) end--;
        const hasText = end > this.#start;
        this.#at = end;
        const item = hasText ? this.#emit("text") : null;
        this.#at = open;
        this.#skip();
        if (item !== null) return item;
      }
      const item = this.#leftDelim();
      if (item !== null) return item;
    }
  }

  #end(): Item {
    return { kind: "eof", at: this.#at, text: "EOF", line: this.#startLine };
  }

  #trimsLeft(at: number): boolean {
    return this.#input[at] === "-" && isSpace(this.#input[at + 1] ?? "");
  }

  #trimsRight(at: number): boolean {
    return isSpace(this.#input[at] ?? "") && this.#input[at + 1] === "-";
  }

  /** Length of `}}` or ` -}}` at an offset; 0 where there is none. */
  #rightDelimAt(at: number): number {
    if (this.#trimsRight(at) && this.#starts("}}", at + 2)) return 4;
    return this.#starts("}}", at) ? 2 : 0;
  }

  #skipSpaces(): void {
    while (isSpace(this.#input[this.#at] ?? "")) this.#at++;
    this.#skip();
  }

  /** Null behind a comment. */
  #leftDelim(): Item | null {
    const marker = this.#trimsLeft(this.#at + 2) ? 2 : 0;
    if (this.#starts("/*", this.#at + 2 + marker)) {
      this.#at += 2 + marker;
      this.#skip();
      return this.#comment();
    }
    this.#at += 2;
    const item = this.#emit("leftDelim");
    this.#inside = true;
    this.#at += marker;
    this.#skip();
    this.#depth = 0;
    return item;
  }

  #comment(): Item | null {
    const close = this.#input.indexOf("*/", this.#at + 2);
    if (close < 0) return this.#error("unclosed comment");
    this.#at = close + 2;
    const delim = this.#rightDelimAt(this.#at);
    if (delim === 0) return this.#error("comment ends before closing delimiter");
    this.#at += delim;
    this.#skip();
    if (delim === 4) this.#skipSpaces();
    return null;
  }

  #rightDelim(length: number): Item {
    if (length === 4) {
      this.#at += 2;
      this.#skip();
    }
    this.#at += 2;
    const item = this.#emit("rightDelim");
    if (length === 4) this.#skipSpaces();
    this.#inside = false;
    return item;
  }

  #action(): Item {
    const delim = this.#rightDelimAt(this.#at);
    if (delim > 0) {
      if (this.#depth > 0) return this.#error("unclosed left paren");
      return this.#rightDelim(delim);
    }
    const char = this.#char();
    if (char === "") return this.#error("unclosed action");
    if (isSpace(char)) return this.#space();
    if (/[0-9+-]/.test(char)) return this.#number();
    if (isWord(char)) return this.#identifier();
    this.#at += char.length;
    switch (char) {
      case "=":
        return this.#emit("assign");
      case ":":
        if (this.#char() !== "=") return this.#error("expected :=");
        this.#at++;
        return this.#emit("declare");
      case "|":
        return this.#emit("pipe");
      case '"':
        return this.#quoted('"', "string", "unterminated quoted string");
      case "'":
        return this.#quoted("'", "charConstant", "unterminated character constant");
      case "`":
        return this.#raw();
      case "$":
        return this.#fieldOrVariable("variable");
      case ".":
        if (/^[0-9]/.test(this.#char())) {
          this.#at--;
          return this.#number();
        }
        // An end of the text behind the dot is left to the number, as in Go.
        if (this.#char() === "") {
          this.#at--;
          return this.#number();
        }
        return this.#fieldOrVariable("field");
      case "(":
        this.#depth++;
        return this.#emit("leftParen");
      case ")":
        if (--this.#depth < 0) return this.#error("unexpected right paren");
        return this.#emit("rightParen");
      default:
        if (char > " " && char <= "~") return this.#emit("char");
        return this.#error(
          `unrecognized character in action: ${describeRune(char.codePointAt(0)!)}`,
        );
    }
  }

  /** A run of blanks; the last one may belong to ` -}}`. */
  #space(): Item {
    let count = 0;
    while (isSpace(this.#input[this.#at] ?? "")) {
      this.#at++;
      count++;
    }
    if (this.#rightDelimAt(this.#at - 1) === 4) {
      this.#at--;
      if (count === 1) return this.#rightDelim(4);
    }
    return this.#emit("space");
  }

  #atTerminator(): boolean {
    const char = this.#char();
    return char === "" || isSpace(char) || ".,|:)(".includes(char) || this.#starts("}}");
  }

  #badCharacter(): Item {
    const code = this.#char().codePointAt(0) ?? -1;
    return this.#error(`bad character ${describeRune(code)}`);
  }

  #words(): void {
    for (let char = this.#char(); isWord(char); char = this.#char()) this.#at += char.length;
  }

  #identifier(): Item {
    this.#words();
    if (!this.#atTerminator()) return this.#badCharacter();
    const word = this.#input.slice(this.#start, this.#at);
    if (keywords.has(word)) return this.#emit("keyword");
    return this.#emit(word === "true" || word === "false" ? "bool" : "identifier");
  }

  #fieldOrVariable(kind: "field" | "variable"): Item {
    if (this.#atTerminator()) return this.#emit(kind === "variable" ? kind : "keyword");
    this.#words();
    return this.#atTerminator() ? this.#emit(kind) : this.#badCharacter();
  }

  #quoted(quote: string, kind: ItemKind, unterminated: string): Item {
    for (;;) {
      let char = this.#char();
      this.#at += char.length;
      if (char === "\\") {
        char = this.#char();
        this.#at += char.length;
        if (char !== "" && char !== "\n") continue;
        return this.#error(unterminated);
      }
      if (char === "" || char === "\n") return this.#error(unterminated);
      if (char === quote) return this.#emit(kind);
    }
  }

  #raw(): Item {
    const close = this.#input.indexOf("`", this.#at);
    if (close < 0) return this.#error("unterminated raw quoted string");
    this.#at = close + 1;
    return this.#emit("rawString");
  }

  #number(): Item {
    const bad = (): Item =>
      this.#error(`bad number syntax: ${quoteGo(this.#input.slice(this.#start, this.#at))}`);
    if (!this.#scanNumber()) return bad();
    const sign = this.#char();
    if (sign !== "+" && sign !== "-") return this.#emit("number");
    if (!this.#scanNumber() || this.#input[this.#at - 1] !== "i") return bad();
    return this.#emit("complex");
  }

  #scanNumber(): boolean {
    const pattern =
      /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#input)?.[0].length ?? 0;
    const next = this.#char();
    if (!isWord(next)) return true;
    this.#at += next.length;
    return false;
  }
}
