// Parses templates into trees: the main one and those it defines.
import { quoteGo } from "@deucalion/promql";
import { ItemReader } from "./item-reader.ts";
import { type Item, isKeyword, Lexer } from "./lex.ts";
import type {
  BranchNode,
  EndNode,
  ListNode,
  LoopNode,
  Node,
  PipeNode,
  TemplateNode,
} from "./node.ts";
import { nodeText } from "./node-text.ts";
import { PipelineParser } from "./pipeline-parser.ts";

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

class TreeParser {
  readonly #shared: Shared;
  readonly #items: ItemReader;
  readonly #pipelines: PipelineParser;
  #name: string;
  #rangeDepth = 0;

  constructor(shared: Shared, name: string) {
    this.#shared = shared;
    this.#items = new ItemReader(shared.name, shared.lexer);
    this.#pipelines = new PipelineParser(this.#items, shared.functions);
    this.#name = name;
  }

  main(): void {
    const root: ListNode = { kind: "list", at: this.#items.peek().at, nodes: [] };
    while (this.#items.peek().kind !== "eof") {
      if (this.#items.peek().kind === "leftDelim") {
        const delim = this.#items.next();
        if (isKeyword(this.#items.nextNonSpace(), "define")) {
          new TreeParser(this.#shared, "definition").#definition();
          continue;
        }
        this.#items.backupTwo(delim);
      }
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else")
        this.#items.fail(`unexpected ${nodeText(node)}`);
      root.nodes.push(node);
    }
    this.#add(root);
  }

  #add(root: ListNode): void {
    const known = this.#shared.trees.get(this.#name);
    if (known === undefined || isEmpty(known)) this.#shared.trees.set(this.#name, root);
    else if (!isEmpty(root))
      this.#items.fail(`template: multiple definition of template ${quoteGo(this.#name)}`);
  }

  #definition(): void {
    const context = "define clause";
    const name = this.#items.nextNonSpace();
    if (name.kind !== "string" && name.kind !== "rawString") this.#items.unexpected(name, context);
    this.#name = this.#items.unquote(name.text);
    this.#items.expectRightDelim(context);
    const [root, end] = this.#itemList();
    if (end.kind !== "end") this.#items.fail(`unexpected ${nodeText(end)} in ${context}`);
    this.#add(root);
  }

  #itemList(): [ListNode, EndNode] {
    const list: ListNode = { kind: "list", at: this.#items.peekNonSpace().at, nodes: [] };
    while (this.#items.peekNonSpace().kind !== "eof") {
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") return [list, node];
      list.nodes.push(node);
    }
    this.#items.fail("unexpected EOF");
  }

  #textOrAction(): Node {
    const item = this.#items.nextNonSpace();
    if (item.kind === "text") return { kind: "text", at: item.at, text: item.text };
    if (item.kind !== "leftDelim") this.#items.unexpected(item, "input");
    this.#items.actionLine = item.line;
    const node = this.#action();
    this.#items.actionLine = 0;
    return node;
  }

  #action(): Node {
    const item = this.#items.nextNonSpace();
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
          return { kind: "end", at: this.#items.expectRightDelim("end").at };
        case "if":
        case "range":
        case "with":
          return this.#branch(item.text);
        case "template":
          return this.#template();
      }
    }
    this.#items.backup();
    const { at } = this.#items.peek();
    return { kind: "action", at, pipe: this.#pipelines.pipeline("command", "rightDelim") };
  }

  #loopControl({ at }: Item, kind: "break" | "continue"): LoopNode {
    const item = this.#items.nextNonSpace();
    if (item.kind !== "rightDelim") this.#items.unexpected(item, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#items.fail(`{{${kind}}} outside {{range}}`);
    return { kind, at };
  }

  #elseControl(): EndNode {
    const item = this.#items.peekNonSpace();
    if (isKeyword(item, "if") || isKeyword(item, "with")) return { kind: "else", at: item.at };
    return { kind: "else", at: this.#items.expectRightDelim("else").at };
  }

  #branch(kind: BranchNode["kind"]): BranchNode {
    const variables = this.#pipelines.variables.length;
    const pipe = this.#pipelines.pipeline(kind, "rightDelim");
    if (kind === "range") this.#rangeDepth++;
    const [list, next] = this.#itemList();
    if (kind === "range") this.#rangeDepth--;
    let elseList: ListNode | null = null;
    if (next.kind === "else") {
      if (kind !== "range" && isKeyword(this.#items.peek(), kind)) {
        this.#items.next();
        elseList = { kind: "list", at: next.at, nodes: [this.#branch(kind)] };
      } else {
        const [rest, end] = this.#itemList();
        if (end.kind !== "end") this.#items.fail(`expected end; found ${nodeText(end)}`);
        elseList = rest;
      }
    }
    this.#pipelines.variables.length = variables;
    return { kind, at: pipe.at, pipe, list, elseList };
  }

  #templateName(item: Item, context: string): string {
    if (item.kind !== "string" && item.kind !== "rawString") this.#items.unexpected(item, context);
    return this.#items.unquote(item.text);
  }

  #block(): TemplateNode {
    const context = "block clause";
    const item = this.#items.nextNonSpace();
    const name = this.#templateName(item, context);
    const pipe = this.#pipelines.pipeline(context, "rightDelim");
    new TreeParser(this.#shared, name).#blockBody(context);
    return { kind: "template", at: item.at, name, pipe };
  }

  #blockBody(context: string): void {
    const [root, end] = this.#itemList();
    if (end.kind !== "end") this.#items.fail(`unexpected ${nodeText(end)} in ${context}`);
    this.#add(root);
  }

  #template(): TemplateNode {
    const context = "template clause";
    const item = this.#items.nextNonSpace();
    const name = this.#templateName(item, context);
    let pipe: PipeNode | null = null;
    if (this.#items.nextNonSpace().kind !== "rightDelim") {
      this.#items.backup();
      pipe = this.#pipelines.pipeline(context, "rightDelim");
    }
    return { kind: "template", at: item.at, name, pipe };
  }
}
