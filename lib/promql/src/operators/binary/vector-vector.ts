// Two vectors under an arithmetic operator or a comparison: partners are found by labels, then joined over all steps.
import type { BinaryExpr, VectorMatching } from "../../parse/ast.ts";
import { eachItem } from "../each-item.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { mergeRows } from "../merge-rows.ts";
import { PairJoin } from "./pair-join.ts";

/** Evaluates both sides and joins them. */
export async function vectorVector(node: BinaryExpr, ev: Evaluation, emit: Emit): Promise<void> {
  const [left = [], right = []] = await ev.all([node.left, node.right]);
  const matching: VectorMatching = node.matching ?? {
    card: "one-to-one",
    labels: [],
    on: false,
    include: [],
  };
  const swapped = matching.card === "one-to-many";
  const many = swapped ? right : left;
  const one = swapped ? left : right;
  const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
  if (
    (many.length === 0 && one.length === 0) ||
    (!fills && (many.length === 0 || one.length === 0))
  ) {
    return;
  }
  const join = new PairJoin(node, matching, ev, many, one);
  const rows = await join.run();
  const single = ev.steps.count === 1 && ev.options.delayedNameRemoval;
  await eachItem(single ? rows : await mergeRows(rows, ev.limits), ev.limits, emit);
}
