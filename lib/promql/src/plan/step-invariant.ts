// Finds the parts of a tree whose value is the same at every step, and marks them to be evaluated once.
import type { Call, Expr } from "../parse/ast.ts";
import { childrenOf, postOrder, withChildren } from "./tree.ts";

/** Functions whose result depends on the time of evaluation even where their arguments do not. */
export const timeDependentFunctions: ReadonlySet<string> = new Set([
  "days_in_month",
  "day_of_month",
  "day_of_week",
  "day_of_year",
  "end",
  "hour",
  "minute",
  "month",
  "year",
  "predict_linear",
  "range",
  "start",
  "step",
  "time",
  "timestamp",
]);

interface Verdict {
  readonly node: Expr;
  readonly invariant: boolean;
  /** The node is worth a mark; literals and range vectors are not. */
  readonly wrap: boolean;
}

function marked(verdict: Verdict): Expr {
  return verdict.wrap ? mark(verdict.node) : verdict.node;
}

function mark(expr: Expr): Expr {
  return { kind: "stepInvariant", expr, range: expr.range };
}

function judgeCall(node: Call, args: readonly Verdict[]): Verdict {
  const fixedArgs = args.every((arg) => arg.invariant);
  const selectorsOnly = args.every((arg) => arg.invariant && arg.node.kind === "vector");
  const invariant =
    (fixedArgs && !timeDependentFunctions.has(node.func)) ||
    (node.func === "timestamp" && selectorsOnly);
  if (invariant) {
    return {
      node: withChildren(
        node,
        args.map((arg) => arg.node),
      ),
      invariant,
      wrap: true,
    };
  }
  return { node: withChildren(node, args.map(marked)), invariant, wrap: false };
}

function judge(node: Expr, children: readonly Verdict[]): Verdict {
  switch (node.kind) {
    case "number":
    case "string":
      return { node, invariant: true, wrap: false };
    case "vector":
      return { node, invariant: node.at !== undefined, wrap: node.at !== undefined };
    case "matrix":
      return { node, invariant: node.selector.at !== undefined, wrap: false };
    case "aggregate": {
      const expr = children.at(-1)!;
      const rebuilt = withChildren(
        node,
        children.map((child) => child.node),
      );
      return { ...expr, node: rebuilt };
    }
    case "binary": {
      if (children.every((child) => child.invariant)) {
        const rebuilt = withChildren(
          node,
          children.map((child) => child.node),
        );
        return { node: rebuilt, invariant: true, wrap: true };
      }
      return { node: withChildren(node, children.map(marked)), invariant: false, wrap: false };
    }
    case "call":
      return judgeCall(node, children);
    case "subquery": {
      const inner = children[0]!;
      const expr = inner.invariant ? mark(inner.node) : inner.node;
      return { node: { ...node, expr }, invariant: node.at !== undefined, wrap: false };
    }
    default:
      return { ...children[0]!, node: withChildren(node, [children[0]!.node]) };
  }
}

/** Puts `StepInvariantExpr` around the largest parts that do not depend on the step. */
export function markStepInvariant(root: Expr): Expr {
  const verdicts = new Map<Expr, Verdict>();
  for (const node of postOrder(root)) {
    verdicts.set(
      node,
      judge(
        node,
        childrenOf(node).map((child) => verdicts.get(child)!),
      ),
    );
  }
  return marked(verdicts.get(root)!);
}
