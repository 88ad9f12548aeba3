// What each selector's surroundings tell a source: the function around it, the grouping, the step.
import type { Expr, VectorSelector } from "../parse/ast.ts";
import { childrenOf } from "./tree.ts";

export interface SelectorPlan {
  /** The nearest function or aggregation, "" where a binary operator comes first. */
  readonly func: string;
  readonly by: boolean;
  readonly grouping: readonly string[];
  /** Only count and sum of native histograms are looked at. */
  readonly histogramStats: boolean;
}

interface Frame {
  readonly node: Expr;
  readonly func: string;
  readonly by: boolean;
  readonly grouping: readonly string[];
  /** Seen from the root: a function that only needs count and sum, or something that needs the buckets. */
  readonly stats: "none" | "enough" | "never";
}

const statsFunctions = new Set(["histogram_count", "histogram_sum", "histogram_avg"]);
const wholeFunctions = new Set(["histogram_quantile", "histogram_quantiles", "histogram_fraction"]);
const none: readonly string[] = [];

function below(frame: Frame): Omit<Frame, "node"> {
  const { node } = frame;
  switch (node.kind) {
    case "aggregate":
      return { func: node.op, by: !node.without, grouping: node.grouping, stats: frame.stats };
    case "call": {
      let stats = frame.stats;
      if (wholeFunctions.has(node.func)) stats = "never";
      else if (statsFunctions.has(node.func) && stats === "none") stats = "enough";
      return { func: node.func, by: false, grouping: none, stats };
    }
    case "binary": {
      const trims = node.op === "</" || node.op === ">/";
      return { func: "", by: false, grouping: none, stats: trims ? "never" : frame.stats };
    }
    case "subquery":
      return { func: frame.func, by: false, grouping: none, stats: "never" };
    default:
      return { func: frame.func, by: false, grouping: none, stats: frame.stats };
  }
}

/** The surroundings of every selector in a tree. */
export function planSelectors(root: Expr): Map<VectorSelector, SelectorPlan> {
  const plans = new Map<VectorSelector, SelectorPlan>();
  const stack: Frame[] = [{ node: root, func: "", by: false, grouping: none, stats: "none" }];
  while (stack.length > 0) {
    const frame = stack.pop()!;
    const { node, func, by, grouping, stats } = frame;
    if (node.kind === "vector")
      plans.set(node, { func, by, grouping, histogramStats: stats === "enough" });
    if (node.kind === "matrix") {
      const histogramStats = stats === "enough";
      plans.set(node.selector, { func, by: false, grouping: none, histogramStats });
    }
    const inner = below(frame);
    for (const child of childrenOf(node)) stack.push({ node: child, ...inner });
  }
  return plans;
}
