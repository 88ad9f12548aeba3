// Parses templates into trees: the main one and those it defines.
import { quoteGo, unquoteGo } from "@deucalion/promql";
import { RulesError } from "../../errors.ts";
import { type Item, isKeyword, itemText, Lexer } from "./lex.ts";
import type {
  BranchNode,
  CommandNode,
  EndNode,
  ListNode,
  LoopNode,
  Node,
  Operand,
  PipeNode,
  TemplateNode,
  VariableNode,
} from "./node.ts";
import { nodeText } from "./node-text.ts";
import { NumberSyntax, parseNumber } from "./parse-number.ts";

/** Parentheses within each other. */
const depthMax = 1000;

/** All trees of one text, by name. */
export interface ParsedTemplate {
  readonly name: string;
  readonly text: string;
  readonly trees: ReadonlyMap<string, ListNode>;
}

/** Parses a text. Throws RULES_TEMPLATE_PARSE with Go's message. */
export function parseTemplate(
  name: string,
  text: string,
  functions: ReadonlySet<string>,
): ParsedTemplate {
  const shared: Shared = { name, lexer: new Lexer(text), functions, trees: new Map() };
  new TreeParser(shared, name).main();
  return { name, text, trees: shared.trees };
}

interface Shared {
  readonly name: string;
  readonly lexer: Lexer;
  readonly functions: ReadonlySet<string>;
  readonly trees: Map<string, ListNode>;
}

function isEmpty(node: Node): boolean {
  if (node.kind === "list") return node.nodes.every(isEmpty);
  return node.kind === "text" && node.text.trim() === "";
}

const noItem: Item = { kind: "error", at: 0, text: "", line: 0 };

const operandKinds: ReadonlySet<string> = new Set([
  "bool",
  "charConstant",
  "complex",
  "field",
  "identifier",
  "number",
  "rawString",
  "string",
  "variable",
  "leftParen",
]);

class TreeParser {
  readonly #shared: Shared;
  #name: string;
  /** Up to three items that were given back; the last is next. */
  readonly #items: [Item, Item, Item] = [noItem, noItem, noItem];
  #peeked = 0;
  #variables = ["$"];
  #actionLine = 0;
  #rangeDepth = 0;
  #depth = 0;

  constructor(shared: Shared, name: string) {
    this.#shared = shared;
    this.#name = name;
  }

  #next(): Item {
    if (this.#peeked > 0) this.#peeked--;
    else this.#items[0] = this.#shared.lexer.next();
    return this.#items[this.#peeked]!;
  }

  #peek(): Item {
    if (this.#peeked > 0) return this.#items[this.#peeked - 1]!;
    this.#peeked = 1;
    this.#items[0] = this.#shared.lexer.next();
    return this.#items[0];
  }

  #backup(): void {
    this.#peeked++;
  }

  #nextNonSpace(): Item {
    for (;;) {
      const item = this.#next();
      if (item.kind !== "space") return item;
    }
  }

  #peekNonSpace(): Item {
    const item = this.#nextNonSpace();
    this.#backup();
    return item;
  }

  #fail(message: string): never {
    const text = `template: ${this.#shared.name}:${this.#items[0].line}: ${message}`;
    throw new RulesError("RULES_TEMPLATE_PARSE", text, { template: this.#shared.name });
  }

  #unexpected(item: Item, context: string): never {
    if (item.kind !== "error") this.#fail(`unexpected ${itemText(item)} in ${context}`);
    let extra = "";
    if (this.#actionLine !== 0 && this.#actionLine !== item.line) {
      const started = ` started at ${this.#shared.name}:${this.#actionLine}`;
      extra = item.text.endsWith(" action") ? started : ` in action${started}`;
    }
    this.#fail(`${item.text}${extra}`);
  }

  #expectRightDelim(context: string): Item {
    const item = this.#nextNonSpace();
    if (item.kind !== "rightDelim") this.#unexpected(item, context);
    return item;
  }

  main(): void {
    const root: ListNode = { kind: "list", at: this.#peek().at, nodes: [] };
    while (this.#peek().kind !== "eof") {
      if (this.#peek().kind === "leftDelim") {
        const delim = this.#next();
        if (isKeyword(this.#nextNonSpace(), "define")) {
          new TreeParser(this.#shared, "definition").#definition();
          continue;
        }
        this.#items[1] = delim;
        this.#peeked = 2;
      }
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") this.#fail(`unexpected ${nodeText(node)}`);
      root.nodes.push(node);
    }
    this.#add(root);
  }

  #add(root: ListNode): void {
    const known = this.#shared.trees.get(this.#name);
    if (known === undefined || isEmpty(known)) this.#shared.trees.set(this.#name, root);
    else if (!isEmpty(root))
      this.#fail(`template: multiple definition of template ${quoteGo(this.#name)}`);
  }

  #unquote(literal: string): string {
    const text = unquoteGo(literal);
    return text === null ? this.#fail("invalid syntax") : text;
  }

  #definition(): void {
    const context = "define clause";
    const name = this.#nextNonSpace();
    if (name.kind !== "string" && name.kind !== "rawString") this.#unexpected(name, context);
    this.#name = this.#unquote(name.text);
    this.#expectRightDelim(context);
    const [root, end] = this.#itemList();
    if (end.kind !== "end") this.#fail(`unexpected ${nodeText(end)} in ${context}`);
    this.#add(root);
  }

  #itemList(): [ListNode, EndNode] {
    const list: ListNode = { kind: "list", at: this.#peekNonSpace().at, nodes: [] };
    while (this.#peekNonSpace().kind !== "eof") {
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") return [list, node];
      list.nodes.push(node);
    }
    this.#fail("unexpected EOF");
  }

  #textOrAction(): Node {
    const item = this.#nextNonSpace();
    if (item.kind === "text") return { kind: "text", at: item.at, text: item.text };
    if (item.kind !== "leftDelim") this.#unexpected(item, "input");
    this.#actionLine = item.line;
    const node = this.#action();
    this.#actionLine = 0;
    return node;
  }

  #action(): Node {
    const item = this.#nextNonSpace();
    if (item.kind === "keyword") {
      switch (item.text) {
        case "block":
          return this.#block();
        case "break":
        case "continue":
          return this.#loopControl(item, item.text);
        case "else":
          return this.#elseControl();
        case "end":
          return { kind: "end", at: this.#expectRightDelim("end").at };
        case "if":
        case "range":
        case "with":
          return this.#branch(item.text);
        case "template":
          return this.#template();
      }
    }
    this.#backup();
    const { at } = this.#peek();
    return { kind: "action", at, pipe: this.#pipeline("command", "rightDelim") };
  }

  #loopControl({ at }: Item, kind: "break" | "continue"): LoopNode {
    const item = this.#nextNonSpace();
    if (item.kind !== "rightDelim") this.#unexpected(item, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#fail(`{{${kind}}} outside {{range}}`);
    return { kind, at };
  }

  #elseControl(): EndNode {
    const item = this.#peekNonSpace();
    if (isKeyword(item, "if") || isKeyword(item, "with")) return { kind: "else", at: item.at };
    return { kind: "else", at: this.#expectRightDelim("else").at };
  }

  #branch(kind: BranchNode["kind"]): BranchNode {
    const variables = this.#variables.length;
    const pipe = this.#pipeline(kind, "rightDelim");
    if (kind === "range") this.#rangeDepth++;
    const [list, next] = this.#itemList();
    if (kind === "range") this.#rangeDepth--;
    let elseList: ListNode | null = null;
    if (next.kind === "else") {
      if (kind !== "range" && isKeyword(this.#peek(), kind)) {
        this.#next();
        elseList = { kind: "list", at: next.at, nodes: [this.#branch(kind)] };
      } else {
        const [rest, end] = this.#itemList();
        if (end.kind !== "end") this.#fail(`expected end; found ${nodeText(end)}`);
        elseList = rest;
      }
    }
    this.#variables.length = variables;
    return { kind, at: pipe.at, pipe, list, elseList };
  }

  #templateName(item: Item, context: string): string {
    if (item.kind !== "string" && item.kind !== "rawString") this.#unexpected(item, context);
    return this.#unquote(item.text);
  }

  #block(): TemplateNode {
    const context = "block clause";
    const item = this.#nextNonSpace();
    const name = this.#templateName(item, context);
    const pipe = this.#pipeline(context, "rightDelim");
    new TreeParser(this.#shared, name).#blockBody(context);
    return { kind: "template", at: item.at, name, pipe };
  }

  #blockBody(context: string): void {
    const [root, end] = this.#itemList();
    if (end.kind !== "end") this.#fail(`unexpected ${nodeText(end)} in ${context}`);
    this.#add(root);
  }

  #template(): TemplateNode {
    const context = "template clause";
    const item = this.#nextNonSpace();
    const name = this.#templateName(item, context);
    let pipe: PipeNode | null = null;
    if (this.#nextNonSpace().kind !== "rightDelim") {
      this.#backup();
      pipe = this.#pipeline(context, "rightDelim");
    }
    return { kind: "template", at: item.at, name, pipe };
  }

  #pipeline(context: string, end: "rightDelim" | "rightParen"): PipeNode {
    const { at } = this.#peekNonSpace();
    const variables: VariableNode[] = [];
    const assign = this.#declarations(context, variables);
    const commands: CommandNode[] = [];
    for (;;) {
      const item = this.#nextNonSpace();
      if (item.kind === end) break;
      const isOperand =
        operandKinds.has(item.kind) || isKeyword(item, ".") || isKeyword(item, "nil");
      if (!isOperand) this.#unexpected(item, context);
      this.#backup();
      commands.push(this.#command());
    }
    this.#checkPipeline(commands, context);
    return { kind: "pipe", at, assign, variables, commands };
  }

  /** Reads `$a :=`, `$a =` or `$a, $b :=`; true for an assignment. */
  #declarations(context: string, variables: VariableNode[]): boolean {
    for (;;) {
      const variable = this.#peekNonSpace();
      if (variable.kind !== "variable") return false;
      this.#next();
      // A blank behind the variable has to be given back, too.
      const after = this.#peek();
      const next = this.#peekNonSpace();
      if (next.kind === "assign" || next.kind === "declare") {
        this.#nextNonSpace();
        this.#declare(variable, variables);
        return next.kind === "assign";
      }
      if (next.kind === "char" && next.text === ",") {
        this.#nextNonSpace();
        this.#declare(variable, variables);
        if (context !== "range" || variables.length >= 2)
          this.#fail(`too many declarations in ${context}`);
        const { kind } = this.#peekNonSpace();
        if (kind === "variable" || kind === "rightDelim" || kind === "rightParen") continue;
        this.#fail("range can only initialize variables");
      }
      if (after.kind === "space") {
        this.#items[1] = after;
        this.#items[2] = variable;
        this.#peeked = 3;
      } else {
        this.#items[1] = variable;
        this.#peeked = 2;
      }
      return false;
    }
  }

  #declare({ at, text }: Item, variables: VariableNode[]): void {
    variables.push({ kind: "variable", at, path: [text] });
    this.#variables.push(text);
  }

  #checkPipeline(commands: readonly CommandNode[], context: string): void {
    if (commands.length === 0) this.#fail(`missing value for ${context}`);
    commands.slice(1).forEach(({ args }, index) => {
      if (["bool", "dot", "nil", "number", "string"].includes(args[0]!.kind))
        this.#fail(`non executable command in pipeline stage ${index + 2}`);
    });
  }

  #command(): CommandNode {
    const { at } = this.#peekNonSpace();
    const args: Operand[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== null) args.push(operand);
      const item = this.#next();
      if (item.kind === "space") continue;
      if (item.kind === "rightDelim" || item.kind === "rightParen") this.#backup();
      else if (item.kind !== "pipe") this.#unexpected(item, "operand");
      break;
    }
    if (args.length === 0) this.#fail("empty command");
    return { kind: "command", at, args };
  }

  #operand(): Operand | null {
    const node = this.#term();
    if (node === null || this.#peek().kind !== "field") return node;
    const { at } = this.#peek();
    const path: string[] = [];
    while (this.#peek().kind === "field") path.push(this.#next().text.slice(1));
    if (node.kind === "field") return { kind: "field", at, path: [...node.path, ...path] };
    if (node.kind === "variable") return { kind: "variable", at, path: [...node.path, ...path] };
    if (["bool", "string", "number", "nil", "dot"].includes(node.kind))
      this.#fail(`unexpected . after term ${quoteGo(nodeText(node))}`);
    return { kind: "chain", at, node, path };
  }

  #term(): Operand | null {
    const item = this.#nextNonSpace();
    const { at, text, kind } = item;
    switch (kind) {
      case "identifier":
        if (!this.#shared.functions.has(text)) this.#fail(`function ${quoteGo(text)} not defined`);
        return { kind: "identifier", at, name: text };
      case "variable":
        if (!this.#variables.includes(text)) this.#fail(`undefined variable ${quoteGo(text)}`);
        return { kind: "variable", at, path: [text] };
      case "field":
        return { kind: "field", at, path: [text.slice(1)] };
      case "bool":
        return { kind: "bool", at, value: text === "true" };
      case "charConstant":
      case "complex":
      case "number":
        return this.#number(item, kind);
      case "leftParen":
        return this.#parenthesized();
      case "string":
      case "rawString":
        return { kind: "string", at, quoted: text, text: this.#unquote(text) };
      case "keyword":
        if (text === ".") return { kind: "dot", at };
        if (text === "nil") return { kind: "nil", at };
    }
    this.#backup();
    return null;
  }

  #number({ at, text }: Item, kind: "charConstant" | "complex" | "number"): Operand {
    try {
      return parseNumber(at, text, kind);
    } catch (thrown) {
      if (thrown instanceof NumberSyntax) this.#fail(thrown.message);
      throw thrown;
    }
  }

  #parenthesized(): PipeNode {
    if (this.#depth >= depthMax) this.#fail("max expression depth exceeded");
    this.#depth++;
    const pipe = this.#pipeline("parenthesized pipeline", "rightParen");
    this.#depth--;
    return pipe;
  }
}
