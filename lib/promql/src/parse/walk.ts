// Going over trees and changing them.
import type { Expr } from "./ast.ts";

/** The expressions right below a node: of an aggregation the aggregated one first, then its parameter. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "number":
    case "string":
    case "vector":
      return [];
    case "matrix":
      return [expr.selector];
    case "subquery":
    case "unary":
    case "paren":
    case "stepInvariant":
      return [expr.expr];
    case "aggregate":
      return expr.param === undefined ? [expr.expr] : [expr.expr, expr.param];
    case "binary":
      return [expr.left, expr.right];
    case "call":
      return expr.args;
  }
}

/** Calls `visit` for a node and everything below it, top down; where it returns false, not below. `path` leads to the node. */
export function walkExpr(
  expr: Expr,
  visit: (expr: Expr, path: readonly Expr[]) => boolean | undefined,
  path: readonly Expr[] = [],
): void {
  if (visit(expr, path) === false) return;
  const below = [...path, expr];
  for (const child of childrenOf(expr)) walkExpr(child, visit, below);
}

/**
 * A tree with every node replaced by what `change` returns for it, bottom up. A node whose children stay the same
 * is handed over as it is, so an unchanged tree is returned itself.
 */
export function transformExpr(expr: Expr, change: (expr: Expr) => Expr): Expr {
  return change(withChildren(expr, change));
}

function withChildren(expr: Expr, change: (expr: Expr) => Expr): Expr {
  switch (expr.kind) {
    case "number":
    case "string":
    case "vector":
      return expr;
    case "matrix": {
      const selector = transformExpr(expr.selector, change);
      return selector === expr.selector || selector.kind !== "vector"
        ? expr
        : { ...expr, selector };
    }
    case "subquery":
    case "unary":
    case "paren":
    case "stepInvariant": {
      const inner = transformExpr(expr.expr, change);
      return inner === expr.expr ? expr : { ...expr, expr: inner };
    }
    case "aggregate": {
      const inner = transformExpr(expr.expr, change);
      if (expr.param === undefined) return inner === expr.expr ? expr : { ...expr, expr: inner };
      const param = transformExpr(expr.param, change);
      return inner === expr.expr && param === expr.param ? expr : { ...expr, expr: inner, param };
    }
    case "binary": {
      const left = transformExpr(expr.left, change);
      const right = transformExpr(expr.right, change);
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right };
    }
    case "call": {
      const args = expr.args.map((arg) => transformExpr(arg, change));
      return args.every((arg, index) => arg === expr.args[index]) ? expr : { ...expr, args };
    }
  }
}
