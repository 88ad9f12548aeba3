// The matchers of every selector of an expression.
import type { Matcher } from "@deucalion/model";
import { type Expr, walkExpr } from "@deucalion/promql";

export function selectorsOf(expr: Expr): (readonly Matcher[])[] {
  const selectors: (readonly Matcher[])[] = [];
  walkExpr(expr, (node) => {
    if (node.kind === "vector") selectors.push(node.matchers);
    return undefined;
  });
  return selectors;
}
