// From a parsed tree to one that can be evaluated over a given range of time.
import type { Expr, NumberLiteral, ValueType, VectorSelector } from "../parse/ast.ts";
import { typeOf } from "../parse/types.ts";
import { distribute, type RemotePart } from "./distributed/distribute.ts";
import type { OtherStore, Remotes } from "./distributed/remote-engine.ts";
import type { SharedTimesOptions } from "./distributed/shared-times.ts";
import { type QueryTimes, resolveTimes } from "./durations.ts";
import { propagateMatchers } from "./propagate-matchers.ts";
import { planSelectors, type SelectorPlan } from "./selector-hints.ts";
import { markStepInvariant } from "./step-invariant.ts";
import { postOrder, rewrite } from "./tree.ts";

export interface Plan {
  readonly root: Expr;
  readonly selectors: ReadonlyMap<VectorSelector, SelectorPlan>;
  readonly types: ReadonlyMap<Expr, ValueType>;
  /** Selectors that stand for what other queriers evaluate. */
  readonly remoteParts: ReadonlyMap<VectorSelector, RemotePart>;
  /** Stores that are away and may have had something. */
  readonly missing: readonly OtherStore[];
}

/** Other queriers that evaluate parts of a query. */
export interface Spread extends SharedTimesOptions {
  readonly remotes: Remotes;
}

/** `start()`, `end()`, `range()` and `step()` are numbers once the query's times are known. */
function foldContextFunction(node: Expr, times: QueryTimes): Expr {
  if (node.kind !== "call" || node.args.length > 0) return node;
  const value = contextValue(node.func, times);
  if (value === undefined) return node;
  const literal: NumberLiteral = { kind: "number", value, duration: false, range: node.range };
  return literal;
}

function contextValue(func: string, times: QueryTimes): number | undefined {
  switch (func) {
    case "start":
      return times.startMs / 1000;
    case "end":
      return times.endMs / 1000;
    case "range":
      return (times.endMs - times.startMs) / 1000;
    case "step":
      return times.startMs === times.endMs ? 0 : times.stepMs / 1000;
    default:
      return undefined;
  }
}

/**
 * Removes parentheses, fixes durations and `@` times, folds what is constant for the query, narrows selectors, and marks what is the
 * same at every step. Throws PROMQL_PARSE for durations that come out wrong.
 */
export function planQuery(parsed: Expr, times: QueryTimes, spread: Spread | null = null): Plan {
  const resolved = rewrite(parsed, (node) => {
    if (node.kind === "paren") return node.expr;
    return propagateMatchers(foldContextFunction(resolveTimes(node, times), times));
  });
  const spreadOut = spread === null ? null : distribute(resolved, spread.remotes, times, spread);
  const root = markStepInvariant(spreadOut?.root ?? resolved);
  return {
    root,
    selectors: planSelectors(root),
    types: typesOf(root),
    remoteParts: spreadOut?.parts ?? new Map(),
    missing: spreadOut?.missing ?? [],
  };
}

/** The type of every node of a tree. */
export function typesOf(root: Expr): Map<Expr, ValueType> {
  const types = new Map<Expr, ValueType>();
  for (const node of postOrder(root)) types.set(node, typeOfNode(node, types));
  return types;
}

function typeOfNode(node: Expr, types: ReadonlyMap<Expr, ValueType>): ValueType {
  switch (node.kind) {
    case "binary": {
      const scalars = types.get(node.left) === "scalar" && types.get(node.right) === "scalar";
      return scalars ? "scalar" : "vector";
    }
    case "unary":
    case "paren":
    case "stepInvariant":
      return types.get(node.expr) ?? "none";
    default:
      return typeOf(node);
  }
}
