// count_values: how many series of a group have each value, by a label that shows the value.

import { histogramText, type Labels } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import type { AggregateExpr } from "../../parse/ast.ts";
import { Row } from "../../row.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { formatGoFixed } from "./format-fixed.ts";

function labelOf(node: AggregateExpr): string {
  const { param } = node;
  const name = param?.kind === "string" ? param.value : "";
  if (name === "" || /\p{Surrogate}/u.test(name)) {
    throw new PromqlError("PROMQL_EXECUTION", `invalid label name ${JSON.stringify(name)}`);
  }
  return name;
}

/** Labels of the group that a row belongs to while it has a value. */
function groupLabels(row: Row, label: string, value: string, node: AggregateExpr): Labels {
  const labels = row.labels.with(label, value);
  if (node.without) return labels.drop(new Set([...node.grouping, "__name__"]));
  return labels.keep(new Set([...node.grouping, label]));
}

/** Evaluates `count_values`. */
export async function countValues(node: AggregateExpr, ev: Evaluation, emit: Emit): Promise<void> {
  const label = labelOf(node);
  const { count } = ev.steps;
  const counts = new Map<string, Row>();
  const countAt = (labels: Labels): Row => {
    const known = counts.get(labels.key);
    if (known !== undefined) return known;
    ev.limits.holdBytes(ev.rowBytes);
    const made = Row.empty(labels, count);
    counts.set(labels.key, made);
    return made;
  };
  await ev.evaluate(node.expr, (row) => {
    const byValue = new Map<number | string, Row>();
    for (let step = 0; step < count; step++) {
      if (row.present[step] === 0) continue;
      const histogram = row.histogramAt(step);
      const value = histogram === undefined ? row.values[step]! : histogramText(histogram);
      const key = Object.is(value, -0) ? "-0" : value;
      let out = byValue.get(key);
      if (out === undefined) {
        const text = typeof value === "number" ? formatGoFixed(value) : value;
        out = countAt(groupLabels(row, label, text, node));
        byValue.set(key, out);
      }
      out.values[step] = out.present[step] === 1 ? out.values[step]! + 1 : 1;
      out.present[step] = 1;
    }
    ev.release(row);
  });
  for (const row of counts.values()) emit(row);
  ev.limits.holdBytes(-ev.rowBytes * counts.size);
}
