// What a tree evaluates to.
import type { Expr, ValueType } from "./ast.ts";
import { functions } from "./function-signatures.ts";

/** The type of a checked tree. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "vector":
    case "aggregate":
      return "vector";
    case "matrix":
    case "subquery":
      return "matrix";
    case "call":
      return functions.get(expr.func)?.returnType ?? "none";
    case "binary":
      return typeOf(expr.left) === "scalar" && typeOf(expr.right) === "scalar"
        ? "scalar"
        : "vector";
    case "unary":
    case "paren":
    case "stepInvariant":
      return typeOf(expr.expr);
  }
}

/** A type in the words of messages: "instant vector" for "vector". */
export function typeName(type: ValueType): string {
  if (type === "vector") return "instant vector";
  return type === "matrix" ? "range vector" : type;
}
