// Which rules of a group may be evaluated side by side: those that do not read what others of the group write.
import type { Matcher } from "@deucalion/model";
import { engineDefaults, parseExpr, walkExpr } from "@deucalion/promql";
import type { RuleSpec } from "../spec.ts";

const everything = {
  ...engineDefaults.parse,
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: true,
};

/** Matchers of each selector of an expression. */
function selectorsOf(query: string): (readonly Matcher[])[] {
  const selectors: (readonly Matcher[])[] = [];
  walkExpr(parseExpr(query, everything), (node) => {
    if (node.kind === "vector") selectors.push(node.matchers);
    return undefined;
  });
  return selectors;
}

function reads(matchers: readonly Matcher[], name: Matcher, other: RuleSpec): boolean {
  if (name.matches(other.name)) return true;
  if (other.kind !== "alerting") return false;
  if (!name.matches("ALERTS") && !name.matches("ALERTS_FOR_STATE")) return false;
  return matchers.find((matcher) => matcher.name === "alertname")?.matches(other.name) ?? true;
}

/**
 * Batches of indexes of rules, to be evaluated one after another; rules within a batch are independent of each other:
 * first all that read nothing of the group, then one by one those that read and are read, then those nobody reads.
 * Null if a selector without a name makes it unknowable.
 */
export function evaluationBatches(rules: readonly RuleSpec[]): number[][] | null {
  const reader = new Array<boolean>(rules.length).fill(false);
  const read = new Array<boolean>(rules.length).fill(false);
  if (rules.length > 1) {
    for (let i = 0; i < rules.length; i++) {
      for (const matchers of selectorsOf(rules[i]!.query)) {
        const name = matchers.find((matcher) => matcher.name === "__name__");
        if (name === undefined) return null;
        // Only rules before this one count: what later rules write is read in the next round.
        for (let j = 0; j < i; j++) {
          if (!reads(matchers, name, rules[j]!)) continue;
          reader[i] = true;
          read[j] = true;
        }
      }
    }
  }
  const first: number[] = [];
  const between: number[][] = [];
  const last: number[] = [];
  for (let i = 0; i < rules.length; i++) {
    if (!reader[i]) first.push(i);
    else if (read[i]) between.push([i]);
    else last.push(i);
  }
  return [first, ...between, last].filter((batch) => batch.length > 0);
}
