// quantile: the values of a group at each step, sorted.
import { infos, warnings } from "../../annotations/messages.ts";
import type { AggregateExpr } from "../../parse/ast.ts";
import { Row } from "../../row.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { LabelGroups } from "../label-groups.ts";
import { type Parameter, parameterOf } from "./parameter.ts";
import { selectQuantile } from "./select-quantile.ts";

function warn(parameter: Parameter, node: AggregateExpr, ev: Evaluation): void {
  const range = node.param?.range ?? node.range;
  const { annotations } = ev;
  if (parameter.hasNaN) annotations.warn(warnings.invalidQuantile(Number.NaN), range);
  if (parameter.max > 1) annotations.warn(warnings.invalidQuantile(parameter.max), range);
  if (parameter.min < 0) annotations.warn(warnings.invalidQuantile(parameter.min), range);
}

/** Quantiles of the rows of one group. */
async function quantilesOf(
  rows: readonly Row[],
  node: AggregateExpr,
  parameter: Parameter,
  ev: Evaluation,
): Promise<Row> {
  const { count } = ev.steps;
  const out = new Row(null, new Float64Array(count), new Uint8Array(count));
  const scratch = new Float64Array(rows.length);
  for (const row of rows) if (row.dropName) out.dropName = true;
  for (let step = 0; step < count; step++) {
    if ((step & 15) === 15 && ev.limits.due()) await ev.limits.breathe();
    let found = 0;
    for (const row of rows) {
      if (row.present[step] === 0) continue;
      if (row.histogramAt(step) === undefined) scratch[found++] = row.values[step]!;
      else ev.annotations.info(infos.histogramIgnoredInAggregation("quantile"), node.expr.range);
    }
    if (found === 0) continue;
    out.setFloat(step, selectQuantile(parameter.values[step]!, scratch, found));
  }
  return out;
}

/** Evaluates `quantile`. */
export async function quantileAggregation(
  node: AggregateExpr,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const parameter = await parameterOf(node, ev);
  const numbers = new LabelGroups(node.grouping, node.without);
  const groups: Row[][] = [];
  let held = 0;
  await ev.evaluate(node.expr, (row) => {
    ev.limits.holdBytes(ev.rowBytes);
    held += ev.rowBytes;
    row.detach();
    const index = numbers.groupOf(row);
    const known = groups[index];
    if (known === undefined) groups[index] = [row];
    else known.push(row);
  });
  warn(parameter, node, ev);
  for (const [index, rows] of groups.entries()) {
    const row = await quantilesOf(rows, node, parameter, ev);
    row.labels = numbers.labels(index);
    if (!row.isEmpty()) emit(row);
    if (ev.limits.due()) await ev.limits.breathe();
  }
  ev.limits.holdBytes(-held);
}
