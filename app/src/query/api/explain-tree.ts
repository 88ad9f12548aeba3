// The tree of a query as the explain routes show it.
import { childrenOf, type Expr, printExpr } from "@deucalion/promql";

/** One step of evaluation and those below it. */
export interface ExplainNode {
  readonly name: string;
  readonly children?: readonly ExplainNode[];
}

const words: Readonly<Record<Expr["kind"], string>> = {
  number: "numberLiteral",
  string: "stringLiteral",
  vector: "vectorSelector",
  matrix: "matrixSelector",
  subquery: "subquery",
  aggregate: "aggregate",
  binary: "vectorOperator",
  call: "function",
  unary: "unary",
  paren: "parenthesis",
  stepInvariant: "stepInvariant",
};

/** What a node is called in answers. */
export function nodeName(kind: Expr["kind"], text: string): string {
  return `[${words[kind]}] ${text}`;
}

export function explainTree(expr: Expr): ExplainNode {
  const below = childrenOf(expr).map(explainTree);
  const name = nodeName(expr.kind, printExpr(expr));
  return below.length === 0 ? { name } : { name, children: below };
}
