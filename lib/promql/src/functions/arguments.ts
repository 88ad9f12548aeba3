// Reading the arguments of a call from its tree.

import { PromqlError } from "../errors.ts";
import type { Call, Expr } from "../parse/ast.ts";

/** The expression without parentheses and step-invariant marks around it. */
export function unwrap(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === "paren" || inner.kind === "stepInvariant") inner = inner.expr;
  return inner;
}

/** The text of a string argument; checked by the parser. */
export function stringArg(call: Call, index: number): string {
  const arg = call.args[index];
  const inner = arg === undefined ? undefined : unwrap(arg);
  if (inner?.kind !== "string") {
    throw new PromqlError("PROMQL_EXECUTION", "expected a string", { func: call.func, index });
  }
  return inner.value;
}
