// Which info series an `info` call reads, and at which time.
import { Matcher, quoteRegex } from "@deucalion/model";
import type { AtModifier, Expr } from "../../parse/ast.ts";
import { childrenOf } from "../../plan/tree.ts";
import type { Row } from "../../row.ts";
import type { EvalContext } from "../contract.ts";

/** Labels by which a series and its info series are one target. */
export const identifyingLabels: readonly string[] = ["instance", "job"];

/** Time shifts of the first selector in the first argument: they hold for the info series too. */
export interface InfoTime {
  readonly offsetMs: number;
  readonly atMs: number | undefined;
}

function atTime(at: AtModifier | undefined, ctx: EvalContext): number | undefined {
  if (at === undefined) return undefined;
  if (at.kind === "time") return at.ms;
  return at.kind === "start" ? ctx.steps.startMs : ctx.steps.endMs;
}

/** Offsets of the subqueries around the selector add up until an `@` pins the time. */
export function infoTime(expr: Expr, ctx: EvalContext): InfoTime {
  const stack: { readonly node: Expr; readonly around: readonly Expr[] }[] = [
    { node: expr, around: [] },
  ];
  while (stack.length > 0) {
    const { node, around } = stack.pop()!;
    const selector = node.kind === "matrix" ? node.selector : node;
    if (selector.kind === "vector") {
      let atMs = atTime(selector.at, ctx);
      let offsetMs = selector.offsetMs;
      for (let i = around.length - 1; atMs === undefined && i >= 0; i--) {
        const subquery = around[i]!;
        if (subquery.kind !== "subquery") continue;
        offsetMs += subquery.offsetMs;
        atMs = atTime(subquery.at, ctx);
      }
      return { offsetMs, atMs };
    }
    const inner = node.kind === "subquery" ? [...around, node] : around;
    // The expression of an aggregation comes before its parameter.
    const children = node.kind === "aggregate" ? [...childrenOf(node)].reverse() : childrenOf(node);
    for (let i = children.length - 1; i >= 0; i--)
      stack.push({ node: children[i]!, around: inner });
  }
  return { offsetMs: 0, atMs: undefined };
}

/** With negative name matchers only, names have to end in `_info`; without any, the name is `target_info`. */
export function nameMatchers(given: readonly Matcher[]): readonly Matcher[] {
  if (given.some((matcher) => matcher.type === "=" || matcher.type === "=~")) return given;
  if (given.length > 0) return [new Matcher("=~", "__name__", ".+_info"), ...given];
  return [new Matcher("=", "__name__", "target_info")];
}

/** One matcher per identifying label for the values that the rows have; null if no row has any. */
export function identifyingMatchers(rows: readonly Row[]): Matcher[] | null {
  const matchers: Matcher[] = [];
  for (const name of identifyingLabels) {
    const values = new Set<string>();
    for (const row of rows) values.add(row.labels.get(name));
    values.delete("");
    if (values.size === 0) continue;
    matchers.push(new Matcher("=~", name, [...values].map(quoteRegex).join("|")));
  }
  return matchers.length === 0 ? null : matchers;
}
