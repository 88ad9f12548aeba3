// The time that an `@` modifier fixes.
import type { AtModifier } from "../../parse/ast.ts";

/** Milliseconds, or undefined without `@`. `@ start()` and `@ end()` have been worked out by the planner. */
export function atTime(node: { readonly at?: AtModifier }): number | undefined {
  return node.at?.kind === "time" ? node.at.ms : undefined;
}
