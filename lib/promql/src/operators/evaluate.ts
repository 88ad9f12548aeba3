// Evaluates a node of any kind by handing it to its operator.
import { PromqlError } from "../errors.ts";
import type { Expr } from "../parse/ast.ts";
import { Row } from "../row.ts";
import { aggregate } from "./aggregate/aggregate.ts";
import { binary } from "./binary/binary.ts";
import { callFunction } from "./call.ts";
import type { Emit, Evaluation } from "./evaluation.ts";
import { instantSelector } from "./instant-selector.ts";
import { stepInvariant } from "./step-invariant.ts";
import { unary } from "./unary.ts";

/** Rows of a node over the steps of `ev`. */
export async function evaluateNode(node: Expr, ev: Evaluation, emit: Emit): Promise<void> {
  if (ev.steps.count === 0) return;
  switch (node.kind) {
    case "number":
      emit(Row.scalar(node.value, ev.steps.count));
      return;
    case "vector":
      return instantSelector(node, ev, emit);
    case "call":
      return callFunction(node, ev, emit);
    case "aggregate":
      return aggregate(node, ev, emit);
    case "binary":
      return binary(node, ev, emit);
    case "unary":
      return unary(node, ev, emit);
    case "stepInvariant":
      return stepInvariant(node, ev, emit);
    case "paren":
      return ev.evaluate(node.expr, emit);
    case "string":
    case "matrix":
    case "subquery":
      throw new PromqlError("PROMQL_EXECUTION", `cannot evaluate a ${node.kind} at every step`);
  }
}
