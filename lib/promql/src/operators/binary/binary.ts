// Binary operators, by what stands on either side.
import type { BinaryExpr } from "../../parse/ast.ts";
import { Row } from "../../row.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { arithmeticColumns, compare, isComparison } from "./float-operators.ts";
import { setOperator } from "./set-operators.ts";
import { vectorScalar } from "./vector-scalar.ts";
import { vectorVector } from "./vector-vector.ts";

async function scalars(node: BinaryExpr, ev: Evaluation, emit: Emit): Promise<void> {
  const [left, right] = await ev.all([node.left, node.right]);
  const a = left?.[0]?.values;
  const b = right?.[0]?.values;
  if (a === undefined || b === undefined) return;
  const out = Row.scalar(0, ev.steps.count);
  if (isComparison(node.op)) {
    for (let i = 0; i < a.length; i++) out.values[i] = compare(node.op, a[i]!, b[i]!) ? 1 : 0;
  } else arithmeticColumns(node.op, a, b, out.values);
  emit(out);
}

/** Evaluates a binary operator. */
export async function binary(node: BinaryExpr, ev: Evaluation, emit: Emit): Promise<void> {
  const { types } = ev.state;
  const leftScalar = types.get(node.left) === "scalar";
  const rightScalar = types.get(node.right) === "scalar";
  if (leftScalar && rightScalar) return scalars(node, ev, emit);
  if (leftScalar || rightScalar) return vectorScalar(node, leftScalar, ev, emit);
  if (node.op === "and" || node.op === "or" || node.op === "unless") {
    return setOperator(node, ev, emit);
  }
  return vectorVector(node, ev, emit);
}
