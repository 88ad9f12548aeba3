// Unary minus.
import { multiplyHistogram } from "@deucalion/model";
import type { UnaryExpr } from "../parse/ast.ts";
import { dropMetricName, type Row } from "../row.ts";
import { distinctWithoutName } from "./distinct.ts";
import { eachItem } from "./each-item.ts";
import type { Emit, Evaluation } from "./evaluation.ts";
import { mergeRows } from "./merge-rows.ts";

function negate(row: Row): void {
  for (let i = 0; i < row.values.length; i++) {
    const histogram = row.histogramAt(i);
    if (histogram === undefined) row.values[i] = -row.values[i]!;
    else row.histograms![i] = multiplyHistogram(histogram, -1);
  }
}

/** `-expr`, or `+expr`, which changes nothing. */
export async function unary(node: UnaryExpr, ev: Evaluation, emit: Emit): Promise<void> {
  if (node.op === "+") {
    await ev.evaluate(node.expr, emit);
    return;
  }
  const delayed = ev.options.delayedNameRemoval;
  const streams = delayed || distinctWithoutName(node.expr);
  const kept: Row[] = [];
  await ev.evaluate(node.expr, (row) => {
    negate(row);
    dropMetricName(row, delayed);
    if (streams) emit(row);
    else kept.push(row);
  });
  await eachItem(await mergeRows(kept, ev.limits), ev.limits, emit);
}
