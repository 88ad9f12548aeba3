// The text of a planned expression, for another querier to parse.
import type { Expr } from "../../parse/ast.ts";
import { printExpr } from "../../parse/print/print.ts";
import { rewrite } from "../tree.ts";

function wrapped(expr: Expr): Expr {
  const plain = expr.kind !== "binary" && expr.kind !== "unary";
  if (plain && !(expr.kind === "number" && (expr.value < 0 || expr.duration))) return expr;
  return { kind: "paren", expr, range: expr.range };
}

/**
 * Plans have no parentheses any more; they are put back wherever precedence could matter. Subqueries name their step:
 * the far side may have another default.
 */
export function remoteText(expr: Expr, defaultStepMs: number): string {
  const bracketed = rewrite(expr, (node) => {
    switch (node.kind) {
      case "binary":
        return { ...node, left: wrapped(node.left), right: wrapped(node.right) };
      case "unary":
        return { ...node, expr: wrapped(node.expr) };
      case "subquery":
        return { ...node, expr: wrapped(node.expr), stepMs: node.stepMs || defaultStepMs };
      default:
        return node;
    }
  });
  return printExpr(bracketed);
}
