// Items of a template one after the other, some of which can be given back; and errors that say where one is.
import { unquoteGo } from "@deucalion/promql";
import { RulesError } from "../../errors.ts";
import { type Item, itemText, type Lexer } from "./lex.ts";

const noItem: Item = { kind: "error", at: 0, text: "", line: 0 };

export class ItemReader {
  readonly #name: string;
  readonly #lexer: Lexer;
  /** Up to three items that were given back; the last is next. */
  readonly #items: [Item, Item, Item] = [noItem, noItem, noItem];
  #peeked = 0;
  /** The line where the action began that is read; 0 outside of actions. */
  actionLine = 0;

  /** `name` is that of the file, for errors. */
  constructor(name: string, lexer: Lexer) {
    this.#name = name;
    this.#lexer = lexer;
  }

  /** The next item, blanks included. */
  next(): Item {
    if (this.#peeked > 0) this.#peeked--;
    else this.#items[0] = this.#lexer.next();
    return this.#items[this.#peeked]!;
  }

  /** The next item, which stays the next. */
  peek(): Item {
    if (this.#peeked > 0) return this.#items[this.#peeked - 1]!;
    this.#peeked = 1;
    this.#items[0] = this.#lexer.next();
    return this.#items[0];
  }

  /** Gives the item back that was read last. */
  backup(): void {
    this.#peeked++;
  }

  /** Gives one more back: `before` was read before the one that was peeked at. */
  backupTwo(before: Item): void {
    this.#items[1] = before;
    this.#peeked = 2;
  }

  /** Gives two more back: `first` and then `second` were read before the one that was peeked at. */
  backupThree(first: Item, second: Item): void {
    this.#items[1] = second;
    this.#items[2] = first;
    this.#peeked = 3;
  }

  /** The next item that is no blank. */
  nextNonSpace(): Item {
    for (;;) {
      const item = this.next();
      if (item.kind !== "space") return item;
    }
  }

  /** That item, which is the next then: blanks before it are gone. */
  peekNonSpace(): Item {
    const item = this.nextNonSpace();
    this.backup();
    return item;
  }

  /** Throws RULES_TEMPLATE_PARSE in Go's words. */
  fail(message: string): never {
    const text = `template: ${this.#name}:${this.#items[0].line}: ${message}`;
    throw new RulesError("RULES_TEMPLATE_PARSE", text, { template: this.#name });
  }

  /** Throws RULES_TEMPLATE_PARSE for an item that cannot stand there. */
  unexpected(item: Item, context: string): never {
    if (item.kind !== "error") this.fail(`unexpected ${itemText(item)} in ${context}`);
    let extra = "";
    if (this.actionLine !== 0 && this.actionLine !== item.line) {
      const started = ` started at ${this.#name}:${this.actionLine}`;
      extra = item.text.endsWith(" action") ? started : ` in action${started}`;
    }
    this.fail(`${item.text}${extra}`);
  }

  /** The end of an action. Throws RULES_TEMPLATE_PARSE for anything else. */
  expectRightDelim(context: string): Item {
    const item = this.nextNonSpace();
    if (item.kind !== "rightDelim") this.unexpected(item, context);
    return item;
  }

  /** What a literal means. Throws RULES_TEMPLATE_PARSE. */
  unquote(literal: string): string {
    const text = unquoteGo(literal);
    return text === null ? this.fail("invalid syntax") : text;
  }
}
