// Walking and rewriting trees without recursion, so that no depth of nesting overflows the stack.
import type { Expr } from "../parse/ast.ts";

/** The sub-expressions of a node in order of evaluation. A matrix selector is a leaf. */
export function childrenOf(node: Expr): readonly Expr[] {
  switch (node.kind) {
    case "aggregate":
      return node.param === undefined ? [node.expr] : [node.param, node.expr];
    case "binary":
      return [node.left, node.right];
    case "call":
      return node.args;
    case "unary":
    case "paren":
    case "stepInvariant":
    case "subquery":
      return [node.expr];
    default:
      return [];
  }
}

/** The same node with other sub-expressions, given in the order of `childrenOf`. */
export function withChildren(node: Expr, children: readonly Expr[]): Expr {
  switch (node.kind) {
    case "aggregate":
      return node.param === undefined
        ? { ...node, expr: children[0]! }
        : { ...node, param: children[0]!, expr: children[1]! };
    case "binary":
      return { ...node, left: children[0]!, right: children[1]! };
    case "call":
      return { ...node, args: children };
    case "unary":
    case "paren":
    case "stepInvariant":
    case "subquery":
      return { ...node, expr: children[0]! };
    default:
      return node;
  }
}

/** All nodes, children before their parents, left before right. */
export function postOrder(root: Expr): Expr[] {
  const out: Expr[] = [];
  const stack: Expr[] = [root];
  while (stack.length > 0) {
    const node = stack.pop()!;
    out.push(node);
    for (const child of childrenOf(node)) stack.push(child);
  }
  return out.reverse();
}

/** Rebuilds a tree from its leaves up: `visit` gets each node with its children already rewritten. */
export function rewrite(root: Expr, visit: (node: Expr) => Expr): Expr {
  const done = new Map<Expr, Expr>();
  for (const node of postOrder(root)) {
    const children = childrenOf(node);
    const rebuilt =
      children.length === 0
        ? node
        : withChildren(
            node,
            children.map((child) => done.get(child)!),
          );
    done.set(node, visit(rebuilt));
  }
  return done.get(root)!;
}
