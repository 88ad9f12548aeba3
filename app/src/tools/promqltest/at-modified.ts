// The same instant query written with `@`, and the times at which it must still give the same.
import type { AtModifier, Expr } from "@deucalion/promql";
import {
  parseExpr,
  printExpr,
  timeDependentFunctions,
  transformExpr,
  walkExpr,
} from "@deucalion/promql";
import { scriptParseOptions } from "./settings.ts";

export interface AtCase {
  readonly expr: string;
  readonly timeMs: number;
}

/** None where the expression depends on the time by itself. Throws PROMQL_PARSE. */
export function atModifiedCases(text: string, timeMs: number): AtCase[] {
  const parsed = parseExpr(text, scriptParseOptions);
  let dependent = false;
  walkExpr(parsed, (expr) => {
    if (expr.kind === "call" && timeDependentFunctions.has(expr.func)) dependent = true;
    return true;
  });
  if (dependent) return [];
  const expr = printExpr(withAt(parsed, { kind: "time", ms: timeMs }));
  const times =
    timeMs === 0
      ? [-1000, 0, 1000]
      : [-10 * timeMs, 0, Math.trunc(timeMs / 5), timeMs, 10 * timeMs];
  return times.map((time) => ({ expr, timeMs: time }));
}

/** Everything that selects gets a fixed time but what has one, and what stands inside a subquery, which has one then. */
function withAt(root: Expr, at: AtModifier): Expr {
  const inside = new Set<Expr>();
  walkExpr(root, (expr, path) => {
    if (path.some((above) => above.kind === "subquery")) inside.add(expr);
    return true;
  });
  return transformExpr(root, (expr) => {
    if ((expr.kind !== "vector" && expr.kind !== "subquery") || inside.has(expr)) return expr;
    return expr.at?.kind === "time" ? expr : { ...expr, at };
  });
}
