// Runs a parsed template over data, with Go's semantics and error texts.
import { quoteGo } from "@deucalion/promql";
import { byBytes } from "../go/by-bytes.ts";
import { sprint } from "../go/go-print.ts";
import { indirect, integerOf, isTrue } from "../go/go-type.ts";
import { type FunctionLookup, GoInteger, GoMap, GoSlice, type GoValue } from "../go/go-value.ts";
import { printed } from "../go/printed.ts";
import type { ListNode, Node, PipeNode, TemplateNode } from "../parse/node.ts";
import { nodeText } from "../parse/node-text.ts";
import type { ParsedTemplate } from "../parse/parse.ts";
import { Evaluator } from "./evaluator.ts";
import { ExecutionState } from "./execution-state.ts";

/** Templates that call templates, and iterations of ranges over integers: what a loop without end stops at. */
const depthMax = 1000;
const stepsMax = 10_000_000;

/** Largest output in UTF-16 units. */
const outputMax = 16 << 20;

type Flow = "break" | "continue" | undefined;

/** Runs `template`; functions are the builtins and those given. Throws RULES_TEMPLATE_EXECUTE with Go's message. */
export function executeTemplate(
  template: ParsedTemplate,
  data: GoValue,
  functions: FunctionLookup,
): string {
  return new Execution(template, functions).run(data);
}

class Execution {
  readonly #state: ExecutionState;
  readonly #evaluator: Evaluator;
  #depth = 0;
  #steps = 0;
  #out = "";

  constructor(template: ParsedTemplate, functions: FunctionLookup) {
    this.#state = new ExecutionState(template, functions);
    this.#evaluator = new Evaluator(this.#state);
  }

  run(data: GoValue): string {
    this.#state.variables = [{ name: "$", value: data }];
    const root = this.#state.template.trees.get(this.#state.name);
    if (root === undefined)
      this.#state.fail(`${quoteGo(this.#state.name)} is an incomplete or empty template`);
    this.#walk(data, root);
    return this.#out;
  }

  #write(text: string): void {
    this.#out += text;
    if (this.#out.length > outputMax) this.#state.fail("output is too large");
  }

  #walk(dot: GoValue, node: Node): Flow {
    this.#state.node = node;
    if (++this.#steps > stepsMax) this.#state.fail("template runs for too long");
    switch (node.kind) {
      case "action": {
        const value = this.#evaluator.pipeline(dot, node.pipe);
        if (node.pipe.variables.length === 0) {
          this.#state.node = node;
          this.#write(printed(value));
        }
        return undefined;
      }
      case "break":
      case "continue":
        return node.kind;
      case "if":
      case "with":
        return this.#ifOrWith(dot, node.kind, node);
      case "list":
        for (const one of node.nodes) {
          const flow = this.#walk(dot, one);
          if (flow !== undefined) return flow;
        }
        return undefined;
      case "range":
        return this.#range(dot, node);
      case "template":
        this.#call(dot, node);
        return undefined;
      case "text":
        this.#write(node.text);
        return undefined;
      default:
        return this.#state.fail(`unknown node: ${nodeText(node)}`);
    }
  }

  #ifOrWith(
    dot: GoValue,
    kind: "if" | "with",
    { pipe, list, elseList }: { pipe: PipeNode; list: ListNode; elseList: ListNode | null },
  ): Flow {
    const mark = this.#state.variables.length;
    const value = this.#evaluator.pipeline(dot, pipe);
    let flow: Flow;
    if (isTrue(value)) flow = this.#walk(kind === "with" ? value : dot, list);
    else if (elseList !== null) flow = this.#walk(dot, elseList);
    this.#state.variables.length = mark;
    return flow;
  }

  #range(
    dot: GoValue,
    node: { pipe: PipeNode; list: ListNode; elseList: ListNode | null } & Node,
  ): Flow {
    this.#state.node = node;
    const before = this.#state.variables.length;
    const { value } = indirect(this.#evaluator.pipeline(dot, node.pipe));
    const ran = this.#iterate(node.pipe, node.list, value);
    let flow: Flow;
    if (!ran && node.elseList !== null) flow = this.#walk(dot, node.elseList);
    this.#state.variables.length = before;
    // A break in `else` leaves this range, too.
    return flow === "break" ? undefined : flow;
  }

  /** Runs the body for each element; false where there is none. */
  #iterate(pipe: PipeNode, list: ListNode, value: GoValue): boolean {
    const integer = integerOf(value);
    if (integer !== null) {
      if (pipe.variables.length > 1)
        this.#state.fail(`can't use ${sprint([value])} to iterate over more than one variable`);
      for (let i = 0n; i < integer; i++)
        if (this.#iteration(pipe, list, undefined, sameType(value, i)) === "break") break;
      return integer > 0n;
    }
    if (value instanceof GoSlice) {
      for (let i = 0; i < value.items.length; i++)
        if (this.#iteration(pipe, list, BigInt(i), value.items[i]) === "break") break;
      return value.items.length > 0;
    }
    if (value instanceof GoMap) {
      for (const key of [...value.entries.keys()].sort(byBytes))
        if (this.#iteration(pipe, list, key, value.get(key)) === "break") break;
      return value.entries.size > 0;
    }
    if (value === undefined) return false;
    this.#state.fail(`range can't iterate over ${sprint([value])}`);
  }

  #iteration(pipe: PipeNode, list: ListNode, index: GoValue, element: GoValue): Flow {
    const names = pipe.variables;
    const mark = this.#state.variables.length;
    if (names.length > 0) {
      if (pipe.assign) {
        this.#state.set(names[0]!.path[0]!, names.length > 1 ? index : element);
        if (names.length > 1) this.#state.set(names[1]!.path[0]!, element);
      } else {
        this.#state.variables[mark - 1]!.value = element;
        if (names.length > 1) this.#state.variables[mark - 2]!.value = index;
      }
    }
    const flow = this.#walk(element, list);
    this.#state.variables.length = mark;
    return flow;
  }

  #call(dot: GoValue, node: TemplateNode): void {
    this.#state.node = node;
    const tree = this.#state.template.trees.get(node.name);
    if (tree === undefined) this.#state.fail(`template ${quoteGo(node.name)} not defined`);
    if (this.#depth === depthMax) this.#state.fail(`exceeded maximum template depth (${depthMax})`);
    const value = node.pipe === null ? undefined : this.#evaluator.pipeline(dot, node.pipe);
    const name = this.#state.name;
    const variables = this.#state.variables;
    this.#depth++;
    this.#state.name = node.name;
    this.#state.variables = [{ name: "$", value }];
    this.#walk(value, tree);
    this.#depth--;
    this.#state.name = name;
    this.#state.variables = variables;
  }
}

function sameType(like: GoValue, value: bigint): GoValue {
  return like instanceof GoInteger ? new GoInteger(like.type, like.signed, value) : value;
}
