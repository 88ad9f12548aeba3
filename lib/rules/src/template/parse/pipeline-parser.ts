// Parses pipelines: declarations, commands, operands.
import { quoteGo } from "@deucalion/promql";
import type { ItemReader } from "./item-reader.ts";
import { type Item, isKeyword } from "./lex.ts";
import type { CommandNode, Operand, PipeNode, VariableNode } from "./node.ts";
import { nodeText } from "./node-text.ts";
import { NumberSyntax, parseNumber } from "./parse-number.ts";

/** Parentheses within each other. */
const depthMax = 1000;

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

export class PipelineParser {
  readonly #items: ItemReader;
  readonly #functions: ReadonlySet<string>;
  /** Names that are declared so far; the caller cuts those of a block that ended. */
  readonly variables: string[] = ["$"];
  #depth = 0;

  constructor(items: ItemReader, functions: ReadonlySet<string>) {
    this.#items = items;
    this.#functions = functions;
  }

  /** Reads a pipeline and what ends it. Throws RULES_TEMPLATE_PARSE in Go's words. */
  pipeline(context: string, end: "rightDelim" | "rightParen"): PipeNode {
    const { at } = this.#items.peekNonSpace();
    const variables: VariableNode[] = [];
    const assign = this.#declarations(context, variables);
    const commands: CommandNode[] = [];
    for (;;) {
      const item = this.#items.nextNonSpace();
      if (item.kind === end) break;
      const isOperand =
        operandKinds.has(item.kind) || isKeyword(item, ".") || isKeyword(item, "nil");
      if (!isOperand) this.#items.unexpected(item, context);
      this.#items.backup();
      commands.push(this.#command());
    }
    this.#checkPipeline(commands, context);
    return { kind: "pipe", at, assign, variables, commands };
  }

  /** Reads `$a :=`, `$a =` or `$a, $b :=`; true for an assignment. */
  #declarations(context: string, variables: VariableNode[]): boolean {
    for (;;) {
      const variable = this.#items.peekNonSpace();
      if (variable.kind !== "variable") return false;
      this.#items.next();
      // A blank behind the variable has to be given back, too.
      const after = this.#items.peek();
      const next = this.#items.peekNonSpace();
      if (next.kind === "assign" || next.kind === "declare") {
        this.#items.nextNonSpace();
        this.#declare(variable, variables);
        return next.kind === "assign";
      }
      if (next.kind === "char" && next.text === ",") {
        this.#items.nextNonSpace();
        this.#declare(variable, variables);
        if (context !== "range" || variables.length >= 2)
          this.#items.fail(`too many declarations in ${context}`);
        const { kind } = this.#items.peekNonSpace();
        if (kind === "variable" || kind === "rightDelim" || kind === "rightParen") continue;
        this.#items.fail("range can only initialize variables");
      }
      if (after.kind === "space") {
        this.#items.backupThree(variable, after);
      } else {
        this.#items.backupTwo(variable);
      }
      return false;
    }
  }

  #declare({ at, text }: Item, variables: VariableNode[]): void {
    variables.push({ kind: "variable", at, path: [text] });
    this.variables.push(text);
  }

  #checkPipeline(commands: readonly CommandNode[], context: string): void {
    if (commands.length === 0) this.#items.fail(`missing value for ${context}`);
    commands.slice(1).forEach(({ args }, index) => {
      if (["bool", "dot", "nil", "number", "string"].includes(args[0]!.kind))
        this.#items.fail(`non executable command in pipeline stage ${index + 2}`);
    });
  }

  #command(): CommandNode {
    const { at } = this.#items.peekNonSpace();
    const args: Operand[] = [];
    for (;;) {
      this.#items.peekNonSpace();
      const operand = this.#operand();
      if (operand !== null) args.push(operand);
      const item = this.#items.next();
      if (item.kind === "space") continue;
      if (item.kind === "rightDelim" || item.kind === "rightParen") this.#items.backup();
      else if (item.kind !== "pipe") this.#items.unexpected(item, "operand");
      break;
    }
    if (args.length === 0) this.#items.fail("empty command");
    return { kind: "command", at, args };
  }

  #operand(): Operand | null {
    const node = this.#term();
    if (node === null || this.#items.peek().kind !== "field") return node;
    const { at } = this.#items.peek();
    const path: string[] = [];
    while (this.#items.peek().kind === "field") path.push(this.#items.next().text.slice(1));
    if (node.kind === "field") return { kind: "field", at, path: [...node.path, ...path] };
    if (node.kind === "variable") return { kind: "variable", at, path: [...node.path, ...path] };
    if (["bool", "string", "number", "nil", "dot"].includes(node.kind))
      this.#items.fail(`unexpected . after term ${quoteGo(nodeText(node))}`);
    return { kind: "chain", at, node, path };
  }

  #term(): Operand | null {
    const item = this.#items.nextNonSpace();
    const { at, text, kind } = item;
    switch (kind) {
      case "identifier":
        if (!this.#functions.has(text)) this.#items.fail(`function ${quoteGo(text)} not defined`);
        return { kind: "identifier", at, name: text };
      case "variable":
        if (!this.variables.includes(text)) this.#items.fail(`undefined variable ${quoteGo(text)}`);
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
        return { kind: "string", at, quoted: text, text: this.#items.unquote(text) };
      case "keyword":
        if (text === ".") return { kind: "dot", at };
        if (text === "nil") return { kind: "nil", at };
    }
    this.#items.backup();
    return null;
  }

  #number({ at, text }: Item, kind: "charConstant" | "complex" | "number"): Operand {
    try {
      return parseNumber(at, text, kind);
    } catch (thrown) {
      if (thrown instanceof NumberSyntax) this.#items.fail(thrown.message);
      throw thrown;
    }
  }

  #parenthesized(): PipeNode {
    if (this.#depth >= depthMax) this.#items.fail("max expression depth exceeded");
    this.#depth++;
    const pipe = this.pipeline("parenthesized pipeline", "rightParen");
    this.#depth--;
    return pipe;
  }
}
