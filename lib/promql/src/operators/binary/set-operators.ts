// `and`, `or` and `unless`: samples stay or go by whether the other side has a partner at the step.

import type { QueryLimits } from "../../limits.ts";
import type { BinaryExpr } from "../../parse/ast.ts";
import type { Row } from "../../row.ts";
import { eachItem } from "../each-item.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { LabelGroups } from "../label-groups.ts";
import { mergeRows } from "../merge-rows.ts";

/** For each signature the steps at which some row has a sample. */
async function presence(
  rows: readonly Row[],
  groups: LabelGroups,
  steps: number,
  limits: QueryLimits,
): Promise<Map<number, Uint8Array>> {
  const out = new Map<number, Uint8Array>();
  await eachItem(rows, limits, (row) => {
    const signature = groups.groupOf(row);
    let present = out.get(signature);
    if (present === undefined) {
      present = new Uint8Array(steps);
      out.set(signature, present);
    }
    for (let i = 0; i < steps; i++) present[i]! |= row.present[i]!;
  });
  return out;
}

/** Takes samples away where the other side has (or has not) a partner; true if some are left. */
function filter(row: Row, partner: Uint8Array | undefined, keepMatched: boolean): boolean {
  if (partner === undefined) return !keepMatched;
  for (let i = 0; i < partner.length; i++) {
    if ((partner[i] === 1) !== keepMatched) row.present[i] = 0;
  }
  return !row.isEmpty();
}

/** Evaluates a set operator. */
export async function setOperator(node: BinaryExpr, ev: Evaluation, emit: Emit): Promise<void> {
  const [left = [], right = []] = await ev.all([node.left, node.right]);
  const { matching } = node;
  const { limits } = ev;
  const groups = matchingGroups(matching?.labels ?? [], matching?.on ?? false);
  const { count } = ev.steps;
  const out: Row[] = [];
  if (node.op === "or") {
    const taken = await presence(left, groups, count, limits);
    for (const row of left) out.push(row);
    await eachItem(right, limits, (row) => {
      if (filter(row, taken.get(groups.groupOf(row)), false)) out.push(row);
    });
  } else {
    const partners = await presence(right, groups, count, limits);
    const keepMatched = node.op === "and";
    await eachItem(left, limits, (row) => {
      if (filter(row, partners.get(groups.groupOf(row)), keepMatched)) out.push(row);
    });
  }
  const single = count === 1 && ev.options.delayedNameRemoval;
  await eachItem(single ? out : await mergeRows(out, limits), limits, emit);
}

/** Signatures of `on (…)` or `ignoring (…)`; the metric name never counts for the latter. */
export function matchingGroups(labels: readonly string[], on: boolean): LabelGroups {
  return new LabelGroups(labels, !on);
}
