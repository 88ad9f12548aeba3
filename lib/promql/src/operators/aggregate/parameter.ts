// The parameter of an aggregation (k, ratio, quantile) at every step.
import type { AggregateExpr } from "../../parse/ast.ts";
import type { Evaluation } from "../evaluation.ts";

export interface Parameter {
  /** One value for each step. */
  readonly values: Float64Array;
  readonly min: number;
  readonly max: number;
  readonly hasNaN: boolean;
}

/** Evaluates the parameter. Minimum and maximum of numbers only, but for a literal NaN. */
export async function parameterOf(node: AggregateExpr, ev: Evaluation): Promise<Parameter> {
  const { count } = ev.steps;
  if (node.param === undefined) {
    return { values: new Float64Array(count), min: 0, max: 0, hasNaN: false };
  }
  const rows = await ev.rowsOf(node.param);
  const values = rows[0]?.values ?? new Float64Array(count);
  let min = Number.MAX_VALUE;
  let max = -Number.MAX_VALUE;
  let hasNaN = false;
  for (const value of values) {
    if (Number.isNaN(value)) hasNaN = true;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { values, min, max, hasNaN };
}
