// Trees to text over several lines, as /api/v1/format_query gives it.
import type { Expr } from "../ast.ts";
import { aggregateHead, binaryHead, printExpr, subquerySuffix } from "./print.ts";

/** Bytes of one-line text above which a node is split. */
const lineBytesMax = 100;

/** The text of a tree, split and indented wherever a part is longer than 100 bytes. */
export function prettyExpr(expr: Expr): string {
  return prettyAt(expr, 0);
}

function indent(level: number): string {
  return "  ".repeat(level);
}

function prettyAt(expr: Expr, level: number): string {
  const pad = indent(level);
  switch (expr.kind) {
    case "stepInvariant":
      return prettyAt(expr.expr, level);
    case "unary":
      return pad + expr.op + prettyAt(expr.expr, level).trim();
    case "number":
    case "string":
    case "vector":
    case "matrix":
      return pad + printExpr(expr);
  }
  const text = printExpr(expr);
  if (Buffer.byteLength(text) <= lineBytesMax) {
    // A short subquery is the one node that Prometheus leaves without its indentation.
    return expr.kind === "subquery" ? text : pad + text;
  }
  switch (expr.kind) {
    case "aggregate": {
      const param = expr.param === undefined ? "" : `${prettyAt(expr.param, level + 1)},\n`;
      return `${pad}${aggregateHead(expr)}(\n${param}${prettyAt(expr.expr, level + 1)}\n${pad})`;
    }
    case "binary": {
      const left = prettyAt(expr.left, level + 1);
      return `${left}\n${pad}${binaryHead(expr)}\n${prettyAt(expr.right, level + 1)}`;
    }
    case "call": {
      const args = expr.args.map((arg) => prettyAt(arg, level + 1)).join(",\n");
      return `${pad}${expr.func}(\n${args}\n${pad})`;
    }
    case "paren":
      return `${pad}(\n${prettyAt(expr.expr, level + 1)}\n${pad})`;
    case "subquery":
      return prettyAt(expr.expr, level) + subquerySuffix(expr);
  }
}
