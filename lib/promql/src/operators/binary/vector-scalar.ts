// A vector with a scalar: row by row, as the rows come.
import type { BinaryExpr } from "../../parse/ast.ts";
import { dropMetricName, type Row } from "../../row.ts";
import { distinctWithoutName } from "../distinct.ts";
import { eachItem } from "../each-item.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { mergeRows } from "../merge-rows.ts";
import { ElementResult, elementBinary } from "./element.ts";
import {
  arithmeticColumns,
  changesMeaning,
  compareColumns,
  isComparison,
} from "./float-operators.ts";

/** What stays the same for all rows. */
interface Operation {
  readonly node: BinaryExpr;
  readonly scalar: Float64Array;
  /** The scalar is on the left. */
  readonly swap: boolean;
  readonly ev: Evaluation;
  /** Last remarks of each step, as only those are told. */
  readonly remarks: ElementResult["remarks"][];
}

function floatsOnly(operation: Operation, row: Row, holds: Uint8Array): void {
  const { node, scalar, swap } = operation;
  const { op } = node;
  const a = swap ? scalar : row.values;
  const b = swap ? row.values : scalar;
  if (!isComparison(op)) {
    arithmeticColumns(op, a, b, row.values);
    return;
  }
  compareColumns(op, a, b, holds);
  if (node.returnBool) {
    for (let i = 0; i < holds.length; i++) row.values[i] = holds[i]!;
    return;
  }
  for (let i = 0; i < holds.length; i++) row.present[i]! &= holds[i]!;
}

function stepByStep(operation: Operation, row: Row): void {
  const { node, scalar, swap } = operation;
  const result = new ElementResult();
  for (let i = 0; i < row.present.length; i++) {
    if (row.present[i] === 0) continue;
    const value = row.values[i]!;
    const histogram = row.histogramAt(i);
    if (swap) elementBinary(node.op, scalar[i]!, undefined, value, histogram, node.range, result);
    else elementBinary(node.op, value, histogram, scalar[i]!, undefined, node.range, result);
    if (!result.valid) {
      operation.remarks[i] = result.remarks;
      row.clear(i);
    } else if (node.returnBool) row.setFloat(i, result.keep ? 1 : 0);
    else if (!result.keep) row.clear(i);
    else if (isComparison(node.op)) continue;
    else if (result.histogram === undefined) row.setFloat(i, result.value);
    else row.setHistogram(i, result.histogram);
  }
}

/** Evaluates a vector and a scalar under an operator. */
export async function vectorScalar(
  node: BinaryExpr,
  swap: boolean,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const rows = await ev.rowsOf(swap ? node.left : node.right);
  const vector = swap ? node.right : node.left;
  const scalar = rows[0]?.values;
  if (scalar === undefined) return;
  const delayed = ev.options.delayedNameRemoval;
  const drops = changesMeaning(node.op) || node.returnBool;
  const streams = delayed || !drops || distinctWithoutName(vector);
  const operation: Operation = { node, scalar, swap, ev, remarks: [] };
  const holds = new Uint8Array(ev.steps.count);
  const trims = node.op === "</" || node.op === ">/";
  const kept: Row[] = [];
  await ev.evaluate(vector, (row) => {
    if (row.histograms === null && !trims) floatsOnly(operation, row, holds);
    else stepByStep(operation, row);
    if (row.isEmpty()) {
      ev.release(row);
      return;
    }
    if (drops) dropMetricName(row, delayed);
    if (streams) emit(row);
    else kept.push(row);
  });
  for (const remarks of operation.remarks) {
    if (remarks !== undefined && remarks !== null) ev.annotations.merge(remarks);
  }
  await eachItem(await mergeRows(kept, ev.limits), ev.limits, emit);
}
