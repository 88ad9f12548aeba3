// Values of pipelines: fields, methods, functions, and what they are given.
import { quoteGo } from "@deucalion/promql";
import { assignable, constantOf, literalArgument, nilArgument } from "../argument.ts";
import { builtins, isBuiltin } from "../builtins.ts";
import { indirect, isTrue, kindOf, textOf, typeOfValue, unwrap } from "../go/go-type.ts";
import {
  GoFailure,
  type GoFunction,
  GoInteger,
  GoMap,
  GoPointer,
  GoStruct,
  type GoValue,
} from "../go/go-value.ts";
import type {
  ChainNode,
  CommandNode,
  FieldNode,
  IdentifierNode,
  Node,
  NumberNode,
  Operand,
  PipeNode,
  VariableNode,
} from "../parse/node.ts";
import { nodeText } from "../parse/node-text.ts";
import type { ExecutionState } from "./execution-state.ts";

/** Where the value of a pipeline's former stage would be, and there is none. */
const missing = Symbol("missing");
type Final = GoValue | typeof missing;

export class Evaluator {
  readonly #state: ExecutionState;

  constructor(state: ExecutionState) {
    this.#state = state;
  }

  /** The value of a pipeline; its variables are set. Throws RULES_TEMPLATE_EXECUTE. */
  pipeline(dot: GoValue, pipe: PipeNode): GoValue {
    this.#state.node = pipe;
    let value: Final = missing;
    for (const command of pipe.commands) value = unwrap(this.#command(dot, command, value));
    const result = value === missing ? undefined : value;
    for (const { path } of pipe.variables) {
      if (pipe.assign) this.#state.set(path[0]!, result);
      else this.#state.variables.push({ name: path[0]!, value: result });
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
        return this.pipeline(dot, first);
      case "variable":
        return this.#variableNode(dot, first, args, final);
    }
    this.#state.node = first;
    this.#notAFunction(args, final);
    switch (first.kind) {
      case "bool":
        return first.value;
      case "dot":
        return dot;
      case "nil":
        return this.#state.fail("nil is not a command");
      case "number":
        return this.#constant(first);
      case "string":
        return first.text;
    }
  }

  #notAFunction(args: readonly Operand[], final: Final): void {
    if (args.length > 1 || final !== missing)
      this.#state.fail(`can't give argument to non-function ${nodeText(args[0]!)}`);
  }

  #constant(node: NumberNode): GoValue {
    this.#state.node = node;
    return this.#state.checked(() => constantOf(node));
  }

  #field(dot: GoValue, node: FieldNode, args: readonly Operand[] | null, final: Final): GoValue {
    this.#state.node = node;
    return this.#fieldChain(dot, dot, node, node.path, args, final);
  }

  #chain(dot: GoValue, node: ChainNode, args: readonly Operand[] | null, final: Final): GoValue {
    this.#state.node = node;
    if (node.node.kind === "nil")
      this.#state.fail(`indirection through explicit nil in ${nodeText(node)}`);
    const receiver = this.#arg(dot, null, node.node);
    return this.#fieldChain(dot, receiver, node, node.path, args, final);
  }

  #variableNode(
    dot: GoValue,
    node: VariableNode,
    args: readonly Operand[] | null,
    final: Final,
  ): GoValue {
    this.#state.node = node;
    const value = this.#state.variable(node.path[0]!);
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
    this.#state.node = node;
    const found = this.#state.functions(node.name) ?? builtins[node.name];
    if (found === undefined) this.#state.fail(`${quoteGo(node.name)} is not a defined function`);
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
      this.#state.fail(`nil pointer evaluating ${type}.${name}`);
    const method = methodOf(value, name);
    if (method !== undefined) return this.#invoke(dot, method, node, name, args, final);
    const hasArgs = (args !== null && args.length > 1) || final !== missing;
    if (value instanceof GoStruct && value.fields.has(name)) {
      if (hasArgs) this.#state.fail(`${name} has arguments but cannot be invoked as function`);
      return value.fields.get(name);
    }
    if (value instanceof GoMap) {
      if (hasArgs) this.#state.fail(`${name} is not a method but has arguments`);
      return value.get(name);
    }
    if (value instanceof GoPointer && isNil) {
      if (knownFields[value.type]?.includes(name) !== false)
        this.#state.fail(`nil pointer evaluating ${type}.${name}`);
    }
    return this.#state.fail(`can't evaluate field ${name} in type ${type}`);
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
      this.#state.fail(
        `wrong number of args for ${name}: want at least ${fixed} got ${args.length}`,
      );
    if (!variadic && count !== params.length)
      this.#state.fail(`wrong number of args for ${name}: want ${params.length} got ${count}`);
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
      this.#state.node = node;
      return this.#state.fail(`error calling ${name}: ${thrown.message}`);
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
    return this.#state.checked(() => assignable(value, type));
  }

  /** `type` null takes anything as it is: the receiver of a chain. */
  #arg(dot: GoValue, type: string | null, node: Operand): GoValue {
    this.#state.node = node;
    const checked = (value: GoValue): GoValue =>
      type === null ? value : this.#validate(value, type);
    switch (node.kind) {
      case "dot":
        return checked(dot);
      case "nil":
        return this.#state.checked(() => nilArgument(type));
      case "field":
        return checked(this.#field(dot, node, [node], missing));
      case "variable":
        return checked(this.#variableNode(dot, node, null, missing));
      case "pipe":
        return checked(this.pipeline(dot, node));
      case "identifier":
        return checked(this.#function(dot, node, node, null, missing));
      case "chain":
        return checked(this.#chain(dot, node, null, missing));
    }
    return this.#state.checked(() => literalArgument(type, node));
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

function methodOf(value: GoValue, name: string): GoFunction | undefined {
  if (!(value instanceof GoStruct || value instanceof GoInteger)) return undefined;
  return Object.hasOwn(value.methods, name) ? value.methods[name] : undefined;
}
