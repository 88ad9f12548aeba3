// Which parts of a query have, over all data, just the union of what they have over the data of each querier.
import type { AggregateExpr, BinaryExpr, Call, Expr } from "../../parse/ast.ts";
import { typeOf } from "../../parse/types.ts";
import { childrenOf, postOrder } from "../tree.ts";

/** `constant`: reads no data. `split`: the union of the parts, which have no series in common. `whole`: needs all data. */
export type Split = "constant" | "split" | "whole";

/** Functions of all series together, or whose order matters. */
const wholeFunctions = new Set([
  "absent",
  "absent_over_time",
  "info",
  "scalar",
  "sort",
  "sort_desc",
  "sort_by_label",
  "sort_by_label_desc",
]);

/** True if every group of an aggregation is within one partition. */
export function keepsPartitions(node: AggregateExpr, labels: ReadonlySet<string>): boolean {
  if (labels.size === 0) return false;
  for (const label of labels) if (node.grouping.includes(label) === node.without) return false;
  return true;
}

function aggregateSplit(
  node: AggregateExpr,
  splits: ReadonlyMap<Expr, Split>,
  labels: ReadonlySet<string>,
): Split {
  const { param, expr } = node;
  if (param !== undefined && splits.get(param) !== "constant") return "whole";
  const split = splits.get(expr)!;
  if (split !== "split") return split;
  if (param?.kind === "string" && labels.has(param.value)) return "whole";
  return keepsPartitions(node, labels) ? "split" : "whole";
}

function callSplit(
  node: Call,
  splits: ReadonlyMap<Expr, Split>,
  labels: ReadonlySet<string>,
): Split {
  if (wholeFunctions.has(node.func)) return "whole";
  // Buckets of one histogram may lie apart, or a label that tells partitions apart is written to.
  if (node.func.startsWith("histogram_") && labels.has("le")) return "whole";
  const written = node.args[1];
  if (written?.kind === "string" && labels.has(written.value)) return "whole";
  let found: Split = "constant";
  for (const arg of node.args) {
    const split = splits.get(arg)!;
    if (split === "whole") return "whole";
    if (split === "split") found = "split";
  }
  return found;
}

function matchesWithinPartitions(node: BinaryExpr, labels: ReadonlySet<string>): boolean {
  const { matching } = node;
  if (matching === undefined) return false;
  for (const label of labels) {
    if (matching.labels.includes(label) !== matching.on) return false;
    if (matching.include.includes(label)) return false;
  }
  return labels.size > 0;
}

function binarySplit(
  node: BinaryExpr,
  splits: ReadonlyMap<Expr, Split>,
  labels: ReadonlySet<string>,
): Split {
  const left = splits.get(node.left)!;
  const right = splits.get(node.right)!;
  if (left === "whole" || right === "whole") return "whole";
  if (left === "constant" && right === "constant") return "constant";
  if (left === "constant") return typeOf(node.left) === "scalar" ? right : "whole";
  if (right === "constant") return typeOf(node.right) === "scalar" ? left : "whole";
  return matchesWithinPartitions(node, labels) ? "split" : "whole";
}

/** How every node of a planned tree behaves where these labels tell the partitions apart. */
export function splitsOf(root: Expr, labels: ReadonlySet<string>): Map<Expr, Split> {
  const splits = new Map<Expr, Split>();
  for (const node of postOrder(root)) splits.set(node, splitOf(node, splits, labels));
  return splits;
}

function splitOf(node: Expr, splits: ReadonlyMap<Expr, Split>, labels: ReadonlySet<string>): Split {
  switch (node.kind) {
    case "number":
    case "string":
      return "constant";
    case "vector":
    case "matrix":
      return "split";
    case "aggregate":
      return aggregateSplit(node, splits, labels);
    case "binary":
      return binarySplit(node, splits, labels);
    case "call":
      return callSplit(node, splits, labels);
    default:
      return splits.get(childrenOf(node)[0]!)!;
  }
}
