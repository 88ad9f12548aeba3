// limitk and limit_ratio: some of the series of each group, chosen by order or by a hash of their labels.

import { loadXxhash64, type Xxhash64 } from "@deucalion/kernels";
import { encodeLabels, LabelCursor } from "@deucalion/model";
import { warnings } from "../../annotations/messages.ts";
import { PromqlError } from "../../errors.ts";
import type { AggregateExpr } from "../../parse/ast.ts";
import type { Row } from "../../row.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { type Parameter, parameterOf } from "./parameter.ts";
import { checkCount, emptyCopy, groupedRows } from "./topk.ts";

const separator = 0xff;

/** Where a label set lies in [0, 1), by the hash that Thanos' builds have of it: names and values, each ended by 0xff. */
function hashOffset(row: Row, hash: Xxhash64): number {
  const { data, start, end } = encodeLabels(row.labels);
  const cursor = new LabelCursor().reset({ data, start, end });
  const out = new Uint8Array(end - start + 16);
  let length = 0;
  const put = (from: number, to: number): void => {
    for (let i = from; i < to; i++) out[length++] = data[i]!;
    out[length++] = separator;
  };
  while (cursor.next()) {
    put(cursor.nameStart, cursor.nameEnd);
    put(cursor.valueStart, cursor.valueEnd);
  }
  hash.hash(out.subarray(0, length));
  return (hash.high * 2 ** 32 + hash.low) / 2 ** 64;
}

function inRatio(ratio: number, offset: number): boolean {
  return (ratio >= 0 && offset < ratio) || (ratio < 0 && offset >= 1 + ratio);
}

function checkRatio(parameter: Parameter, node: AggregateExpr, ev: Evaluation): void {
  if (parameter.hasNaN) throw new PromqlError("PROMQL_EXECUTION", "Ratio value is NaN");
  const range = node.param?.range ?? node.range;
  if (parameter.max > 1) ev.annotations.warn(warnings.invalidRatio(parameter.max, 1), range);
  if (parameter.min < -1) ev.annotations.warn(warnings.invalidRatio(parameter.min, -1), range);
}

async function limitRatio(
  groups: readonly Row[][],
  parameter: Parameter,
  emit: Emit,
): Promise<void> {
  const hash = await loadXxhash64();
  for (const rows of groups) {
    for (const row of rows) {
      const offset = hashOffset(row, hash);
      const out = emptyCopy(row);
      for (let step = 0; step < row.present.length; step++) {
        if (row.present[step] === 0) continue;
        const ratio = Math.max(-1, Math.min(1, parameter.values[step]!));
        if (ratio !== 0 && inRatio(ratio, offset)) out.present[step] = 1;
      }
      if (!out.isEmpty()) emit(out);
    }
  }
}

function limitCount(
  groups: readonly Row[][],
  parameter: Parameter,
  count: number,
  steps: number,
  emit: Emit,
): void {
  for (const rows of groups) {
    const taken = new Float64Array(steps);
    for (const row of rows) {
      const out = emptyCopy(row);
      for (let step = 0; step < steps; step++) {
        if (row.present[step] === 0) continue;
        const k = Math.min(Math.trunc(parameter.values[step]!), count);
        if (taken[step]! >= k) continue;
        taken[step]!++;
        out.present[step] = 1;
      }
      if (!out.isEmpty()) emit(out);
    }
  }
}

/** Evaluates `limitk` or `limit_ratio`. */
export async function limitAggregation(
  node: AggregateExpr,
  ev: Evaluation,
  emit: Emit,
): Promise<void> {
  const parameter = await parameterOf(node, ev);
  const { groups, count } = await groupedRows(node, ev);
  if (node.op === "limitk") {
    if (parameter.max < 1) return;
    checkCount(parameter);
    limitCount(groups, parameter, count, ev.steps.count, emit);
  } else {
    if (parameter.max === 0 && parameter.min === 0) return;
    checkRatio(parameter, node, ev);
    await limitRatio(groups, parameter, emit);
  }
}
