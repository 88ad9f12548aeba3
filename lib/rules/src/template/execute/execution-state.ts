// What an execution is at: the template, its variables, and the node that an error names.
import { quoteGo } from "@deucalion/promql";
import { RulesError } from "../../errors.ts";
import { type FunctionLookup, GoFailure, type GoValue } from "../go/go-value.ts";
import type { Node } from "../parse/node.ts";
import { nodeText } from "../parse/node-text.ts";
import type { ParsedTemplate } from "../parse/parse.ts";

interface Variable {
  readonly name: string;
  value: GoValue;
}

export class ExecutionState {
  readonly template: ParsedTemplate;
  readonly functions: FunctionLookup;
  /** The template that runs: the main one, or one that it calls. */
  name: string;
  /** Those of the running template; the last of a name counts. */
  variables: Variable[] = [];
  /** Where the execution is. */
  node: Node | null = null;

  constructor(template: ParsedTemplate, functions: FunctionLookup) {
    this.template = template;
    this.functions = functions;
    this.name = template.name;
  }

  /** Throws RULES_TEMPLATE_EXECUTE in Go's words. */
  fail(message: string): never {
    const node = this.node;
    let text = `template: ${this.name}: ${message}`;
    if (node !== null) {
      const before = this.template.text.slice(0, node.at);
      const lines = before.split("\n");
      const column = Buffer.byteLength(lines[lines.length - 1]!);
      const place = `${this.template.name}:${lines.length}:${column}`;
      text = `template: ${place}: executing ${quoteGo(this.name)} at <${nodeText(node)}>: ${message}`;
    }
    throw new RulesError("RULES_TEMPLATE_EXECUTE", text, { template: this.template.name });
  }

  /** Gives the last variable of a name another value. Throws RULES_TEMPLATE_EXECUTE where there is none. */
  set(name: string, value: GoValue): void {
    for (let i = this.variables.length - 1; i >= 0; i--) {
      if (this.variables[i]!.name === name) {
        this.variables[i]!.value = value;
        return;
      }
    }
    this.fail(`undefined variable: ${name}`);
  }

  /** The value of a variable. Throws RULES_TEMPLATE_EXECUTE where there is none. */
  variable(name: string): GoValue {
    for (let i = this.variables.length - 1; i >= 0; i--)
      if (this.variables[i]!.name === name) return this.variables[i]!.value;
    return this.fail(`undefined variable: ${name}`);
  }

  /** Runs what throws GoFailure, and fails at the current node. */
  checked(run: () => GoValue): GoValue {
    try {
      return run();
    } catch (thrown) {
      if (thrown instanceof GoFailure) return this.fail(thrown.message);
      throw thrown;
    }
  }
}
