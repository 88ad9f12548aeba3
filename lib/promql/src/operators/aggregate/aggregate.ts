// Aggregations: rows go to groups of equal labels.
import { Labels } from "@deucalion/model";
import type { AggregateExpr } from "../../parse/ast.ts";
import { eachItem } from "../each-item.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { LabelGroups } from "../label-groups.ts";
import { countValues } from "./count-values.ts";
import { type FoldGroup, type FoldOp, finishGroup, foldRow, startGroup } from "./fold.ts";
import { limitAggregation } from "./limit.ts";
import { quantileAggregation } from "./quantile.ts";
import { topAggregation } from "./topk.ts";

/** Bytes a group holds for each step, at most. */
const foldStepBytes = 25;

async function fold(node: AggregateExpr, op: FoldOp, ev: Evaluation, emit: Emit): Promise<void> {
  const groups = new LabelGroups(node.grouping, node.without);
  const folds: FoldGroup[] = [];
  const context = { ev, node };
  const { limits, steps } = ev;
  const bytes = 1000 + foldStepBytes * steps.count;
  await ev.evaluate(node.expr, (row) => {
    const index = groups.groupOf(row);
    const known = folds[index];
    if (known === undefined) {
      limits.holdBytes(bytes);
      folds[index] = startGroup(op, row, context);
      // Labels are those of the group in the end; the row's would keep the buffer of its batch.
      folds[index].row.labels = Labels.empty;
    } else {
      foldRow(op, known, row, context);
      ev.release(row);
    }
  });
  await eachItem(folds, limits, (group, index) => {
    const row = finishGroup(op, group, context);
    row.labels = groups.labels(index);
    if (!row.isEmpty()) emit(row);
  });
  limits.holdBytes(-bytes * folds.length);
}

/** Evaluates an aggregation of any kind. */
export async function aggregate(node: AggregateExpr, ev: Evaluation, emit: Emit): Promise<void> {
  switch (node.op) {
    case "topk":
    case "bottomk":
      return topAggregation(node, ev, emit);
    case "limitk":
    case "limit_ratio":
      return limitAggregation(node, ev, emit);
    case "quantile":
      return quantileAggregation(node, ev, emit);
    case "count_values":
      return countValues(node, ev, emit);
    default:
      return fold(node, node.op, ev, emit);
  }
}
