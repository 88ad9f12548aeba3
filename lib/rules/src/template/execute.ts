// Runs a parsed template over data, with Go's semantics and error texts.
import { quoteGo } from "@deucalion/promql";
import { RulesError } from "../errors.ts";
import { assignable, constantOf, literalArgument, nilArgument } from "./argument.ts";
import { builtins, isBuiltin } from "./builtins.ts";
import { byBytes } from "./go/by-bytes.ts";
import { sprint } from "./go/go-print.ts";
import { indirect, integerOf, isTrue, kindOf, textOf, typeOfValue, unwrap } from "./go/go-type.ts";
import {
  type FunctionLookup,
  GoFailure,
  type GoFunction,
  GoInteger,
  GoMap,
  GoPointer,
  GoSlice,
  GoStruct,
  type GoValue,
} from "./go/go-value.ts";
import { printed } from "./go/printed.ts";
import type {
  ChainNode,
  CommandNode,
  FieldNode,
  IdentifierNode,
  ListNode,
  Node,
  NumberNode,
  Operand,
  PipeNode,
  TemplateNode,
  VariableNode,
} from "./parse/node.ts";
import { nodeText } from "./parse/node-text.ts";
import type { ParsedTemplate } from "./parse/parse.ts";

/** Templates that call templates, and iterations of ranges over integers: what a loop without end stops at. */
const depthMax = 1000;
const stepsMax = 10_000_000;

/** Largest output in UTF-16 units. */
const outputMax = 16 << 20;

/** Where the value of a pipeline's former stage would be, and there is none. */
const missing = Symbol("missing");
type Final = GoValue | typeof missing;

type Flow = "break" | "continue" | undefined;

interface Variable {
  readonly name: string;
  value: GoValue;
}

/** Runs `template`; functions are the builtins and those given. Throws RULES_TEMPLATE_EXECUTE with Go's message. */
export function executeTemplate(
  template: ParsedTemplate,
  data: GoValue,
  functions: FunctionLookup,
): string {
  return new Execution(template, functions).run(data);
}

class Execution {
  readonly #template: ParsedTemplate;
  readonly #functions: FunctionLookup;
  #name: string;
  #variables: Variable[] = [];
  #node: Node | null = null;
  #depth = 0;
  #steps = 0;
  #out = "";

  constructor(template: ParsedTemplate, functions: FunctionLookup) {
    this.#template = template;
    this.#functions = functions;
    this.#name = template.name;
  }

  run(data: GoValue): string {
    this.#variables = [{ name: "$", value: data }];
    const root = this.#template.trees.get(this.#name);
    if (root === undefined) this.#fail(`${quoteGo(this.#name)} is an incomplete or empty template`);
    this.#walk(data, root);
    return this.#out;
  }

  #fail(message: string): never {
    const node = this.#node;
    let text = `template: ${this.#name}: ${message}`;
    if (node !== null) {
      const before = this.#template.text.slice(0, node.at);
      const lines = before.split("\n");
      const column = Buffer.byteLength(lines[lines.length - 1]!);
      const place = `${this.#template.name}:${lines.length}:${column}`;
      text = `template: ${place}: executing ${quoteGo(this.#name)} at <${nodeText(node)}>: ${message}`;
    }
    throw new RulesError("RULES_TEMPLATE_EXECUTE", text, { template: this.#template.name });
  }

  #write(text: string): void {
    this.#out += text;
    if (this.#out.length > outputMax) this.#fail("output is too large");
  }

  #walk(dot: GoValue, node: Node): Flow {
    this.#node = node;
    if (++this.#steps > stepsMax) this.#fail("template runs for too long");
    switch (node.kind) {
      case "action": {
        const value = this.#pipeline(dot, node.pipe);
        if (node.pipe.variables.length === 0) {
          this.#node = node;
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
        return this.#fail(`unknown node: ${nodeText(node)}`);
    }
  }

  #ifOrWith(
    dot: GoValue,
    kind: "if" | "with",
    { pipe, list, elseList }: { pipe: PipeNode; list: ListNode; elseList: ListNode | null },
  ): Flow {
    const mark = this.#variables.length;
    const value = this.#pipeline(dot, pipe);
    let flow: Flow;
    if (isTrue(value)) flow = this.#walk(kind === "with" ? value : dot, list);
    else if (elseList !== null) flow = this.#walk(dot, elseList);
    this.#variables.length = mark;
    return flow;
  }

  #range(
    dot: GoValue,
    node: { pipe: PipeNode; list: ListNode; elseList: ListNode | null } & Node,
  ): Flow {
    this.#node = node;
    const before = this.#variables.length;
    const { value } = indirect(this.#pipeline(dot, node.pipe));
    const ran = this.#iterate(node.pipe, node.list, value);
    let flow: Flow;
    if (!ran && node.elseList !== null) flow = this.#walk(dot, node.elseList);
    this.#variables.length = before;
    // A break in `else` leaves this range, too.
    return flow === "break" ? undefined : flow;
  }

  /** Runs the body for each element; false where there is none. */
  #iterate(pipe: PipeNode, list: ListNode, value: GoValue): boolean {
    const integer = integerOf(value);
    if (integer !== null) {
      if (pipe.variables.length > 1)
        this.#fail(`can't use ${sprint([value])} to iterate over more than one variable`);
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
    this.#fail(`range can't iterate over ${sprint([value])}`);
  }

  #iteration(pipe: PipeNode, list: ListNode, index: GoValue, element: GoValue): Flow {
    const names = pipe.variables;
    const mark = this.#variables.length;
    if (names.length > 0) {
      if (pipe.assign) {
        this.#set(names[0]!.path[0]!, names.length > 1 ? index : element);
        if (names.length > 1) this.#set(names[1]!.path[0]!, element);
      } else {
        this.#variables[mark - 1]!.value = element;
        if (names.length > 1) this.#variables[mark - 2]!.value = index;
      }
    }
    const flow = this.#walk(element, list);
    this.#variables.length = mark;
    return flow;
  }

  #call(dot: GoValue, node: TemplateNode): void {
    this.#node = node;
    const tree = this.#template.trees.get(node.name);
    if (tree === undefined) this.#fail(`template ${quoteGo(node.name)} not defined`);
    if (this.#depth === depthMax) this.#fail(`exceeded maximum template depth (${depthMax})`);
    const value = node.pipe === null ? undefined : this.#pipeline(dot, node.pipe);
    const name = this.#name;
    const variables = this.#variables;
    this.#depth++;
    this.#name = node.name;
    this.#variables = [{ name: "$", value }];
    this.#walk(value, tree);
    this.#depth--;
    this.#name = name;
    this.#variables = variables;
  }

  #set(name: string, value: GoValue): void {
    for (let i = this.#variables.length - 1; i >= 0; i--) {
      if (this.#variables[i]!.name === name) {
        this.#variables[i]!.value = value;
        return;
      }
    }
    this.#fail(`undefined variable: ${name}`);
  }

  #variable(name: string): GoValue {
    for (let i = this.#variables.length - 1; i >= 0; i--)
      if (this.#variables[i]!.name === name) return this.#variables[i]!.value;
    return this.#fail(`undefined variable: ${name}`);
  }

  #pipeline(dot: GoValue, pipe: PipeNode): GoValue {
    this.#node = pipe;
    let value: Final = missing;
    for (const command of pipe.commands) value = unwrap(this.#command(dot, command, value));
    const result = value === missing ? undefined : value;
    for (const { path } of pipe.variables) {
      if (pipe.assign) this.#set(path[0]!, result);
      else this.#variables.push({ name: path[0]!, value: result });
    }
    return result;
  }

  #command(dot: GoValue, command: CommandNode, final: Final): GoValue {
    const { args } = command;
    const first = args[0]!;
    switch (first.kind) {
      case "field":
        return this.#field(dot, first, args, final);
      case "chain":
        return this.#chain(dot, first, args, final);
      case "identifier":
        return this.#function(dot, first, command, args, final);
      case "pipe":
        this.#notAFunction(args, final);
        return this.#pipeline(dot, first);
      case "variable":
        return this.#variableNode(dot, first, args, final);
    }
    this.#node = first;
    this.#notAFunction(args, final);
    switch (first.kind) {
      case "bool":
        return first.value;
      case "dot":
        return dot;
      case "nil":
        return this.#fail("nil is not a command");
      case "number":
        return this.#constant(first);
      case "string":
        return first.text;
    }
  }

  #notAFunction(args: readonly Operand[], final: Final): void {
    if (args.length > 1 || final !== missing)
      this.#fail(`can't give argument to non-function ${nodeText(args[0]!)}`);
  }

  #constant(node: NumberNode): GoValue {
    this.#node = node;
    return this.#checked(() => constantOf(node));
  }

  #field(dot: GoValue, node: FieldNode, args: readonly Operand[] | null, final: Final): GoValue {
    this.#node = node;
    return this.#fieldChain(dot, dot, node, node.path, args, final);
  }

  #chain(dot: GoValue, node: ChainNode, args: readonly Operand[] | null, final: Final): GoValue {
    this.#node = node;
    if (node.node.kind === "nil")
      this.#fail(`indirection through explicit nil in ${nodeText(node)}`);
    const receiver = this.#arg(dot, null, node.node);
    return this.#fieldChain(dot, receiver, node, node.path, args, final);
  }

  #variableNode(
    dot: GoValue,
    node: VariableNode,
    args: readonly Operand[] | null,
    final: Final,
  ): GoValue {
    this.#node = node;
    const value = this.#variable(node.path[0]!);
    if (node.path.length === 1) {
      if (args !== null) this.#notAFunction(args, final);
      return value;
    }
    return this.#fieldChain(dot, value, node, node.path.slice(1), args, final);
  }

  #fieldChain(
    dot: GoValue,
    receiver: GoValue,
    node: Node,
    path: readonly string[],
    args: readonly Operand[] | null,
    final: Final,
  ): GoValue {
    let value = receiver;
    for (let i = 0; i < path.length - 1; i++)
      value = this.#member(dot, path[i]!, node, null, missing, value);
    return this.#member(dot, path[path.length - 1]!, node, args, final, value);
  }

  #function(
    dot: GoValue,
    node: IdentifierNode,
    command: Node,
    args: readonly Operand[] | null,
    final: Final,
  ): GoValue {
    this.#node = node;
    const found = this.#functions(node.name) ?? builtins[node.name];
    if (found === undefined) this.#fail(`${quoteGo(node.name)} is not a defined function`);
    return this.#invoke(dot, found, command, node.name, args, final);
  }

  #member(
    dot: GoValue,
    name: string,
    node: Node,
    args: readonly Operand[] | null,
    final: Final,
    given: GoValue,
  ): GoValue {
    if (given === undefined) return undefined;
    const type = typeOfValue(given);
    const { value, isNil } = indirect(given);
    if (isNil && kindOf(value) === "interface")
      this.#fail(`nil pointer evaluating ${type}.${name}`);
    const method = methodOf(value, name);
    if (method !== undefined) return this.#invoke(dot, method, node, name, args, final);
    const hasArgs = (args !== null && args.length > 1) || final !== missing;
    if (value instanceof GoStruct && value.fields.has(name)) {
      if (hasArgs) this.#fail(`${name} has arguments but cannot be invoked as function`);
      return value.fields.get(name);
    }
    if (value instanceof GoMap) {
      if (hasArgs) this.#fail(`${name} is not a method but has arguments`);
      return value.get(name);
    }
    if (value instanceof GoPointer && isNil) {
      if (knownFields[value.type]?.includes(name) !== false)
        this.#fail(`nil pointer evaluating ${type}.${name}`);
    }
    return this.#fail(`can't evaluate field ${name} in type ${type}`);
  }

  #invoke(
    dot: GoValue,
    target: GoFunction,
    node: Node,
    name: string,
    given: readonly Operand[] | null,
    final: Final,
  ): GoValue {
    const args = given === null ? [] : given.slice(1);
    const { params, variadic = false } = target;
    const count = args.length + (final === missing ? 0 : 1);
    const fixed = variadic ? params.length - 1 : args.length;
    if (variadic && count < fixed)
      this.#fail(`wrong number of args for ${name}: want at least ${fixed} got ${args.length}`);
    if (!variadic && count !== params.length)
      this.#fail(`wrong number of args for ${name}: want ${params.length} got ${count}`);
    const typeAt = (index: number): string =>
      params[variadic ? Math.min(index, params.length - 1) : index]!;
    if (isBuiltin(target) && (name === "and" || name === "or"))
      return this.#shortCircuit(dot, args, final, name === "or");
    const values = args.map((arg, index) => this.#arg(dot, typeAt(index), arg));
    if (final !== missing) values.push(this.#validate(final, typeAt(args.length)));
    if (isBuiltin(target) && name === "call")
      values.unshift(args.length === 0 ? reflected(values[0]) : nodeText(args[0]!));
    try {
      return target.call(values);
    } catch (thrown) {
      if (!(thrown instanceof GoFailure)) throw thrown;
      this.#node = node;
      return this.#fail(`error calling ${name}: ${thrown.message}`);
    }
  }

  #shortCircuit(dot: GoValue, args: readonly Operand[], final: Final, until: boolean): GoValue {
    let value: GoValue;
    for (const arg of args) {
      value = this.#arg(dot, "value", arg);
      if (isTrue(value) === until) return value;
    }
    return final === missing ? value : final;
  }

  #validate(value: GoValue, type: string): GoValue {
    return this.#checked(() => assignable(value, type));
  }

  /** Runs what throws GoFailure, and fails at the current node. */
  #checked(run: () => GoValue): GoValue {
    try {
      return run();
    } catch (thrown) {
      if (thrown instanceof GoFailure) return this.#fail(thrown.message);
      throw thrown;
    }
  }

  /** `type` null takes anything as it is: the receiver of a chain. */
  #arg(dot: GoValue, type: string | null, node: Operand): GoValue {
    this.#node = node;
    const checked = (value: GoValue): GoValue =>
      type === null ? value : this.#validate(value, type);
    switch (node.kind) {
      case "dot":
        return checked(dot);
      case "nil":
        return this.#checked(() => nilArgument(type));
      case "field":
        return checked(this.#field(dot, node, [node], missing));
      case "variable":
        return checked(this.#variableNode(dot, node, null, missing));
      case "pipe":
        return checked(this.#pipeline(dot, node));
      case "identifier":
        return checked(this.#function(dot, node, node, null, missing));
      case "chain":
        return checked(this.#chain(dot, node, null, missing));
    }
    return this.#checked(() => literalArgument(type, node));
  }
}

/** `String()` of a reflected value. */
function reflected(value: GoValue): string {
  return textOf(value) ?? `<${typeOfValue(value)} Value>`;
}

/** Fields of types that are met as nil pointers. */
const knownFields: Readonly<Record<string, readonly string[]>> = {
  "*template.sample": ["Labels", "Value"],
};

function sameType(like: GoValue, value: bigint): GoValue {
  return like instanceof GoInteger ? new GoInteger(like.type, like.signed, value) : value;
}

function methodOf(value: GoValue, name: string): GoFunction | undefined {
  if (!(value instanceof GoStruct || value instanceof GoInteger)) return undefined;
  return Object.hasOwn(value.methods, name) ? value.methods[name] : undefined;
}
