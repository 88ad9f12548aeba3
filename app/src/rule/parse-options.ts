// Which parts of PromQL rules may use.
import type { ParseOptions } from "@deucalion/promql";
import type { RuleOptions } from "./options.ts";

/** From `--enable-feature` and `--query.enable-x-functions`. */
export function parseOptionsOf(query: RuleOptions["query"]): ParseOptions {
  const { experimentalFunctions, xFunctions } = query;
  return {
    experimentalFunctions,
    durationExpressions: experimentalFunctions,
    extendedRangeSelectors: experimentalFunctions,
    binopFillModifiers: experimentalFunctions,
    xFunctions,
  };
}
