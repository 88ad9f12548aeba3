// Flags of the tools that are not about buckets.
import type { FlagValues } from "../flags/flag-spec.ts";
import { bool, choice, string, strings, uint } from "../flags/flag-types.ts";
import { globalFlags } from "../flags/groups.ts";

export const rulesCheckFlags = {
  ...globalFlags,
  rules: strings("Files with rules; globs. Repeatable.", { required: true }),
};

/** Ours: what `promtool test rules` does. */
export const rulesTestFlags = {
  ...globalFlags,
  run: strings("Only test groups whose names match; a regular expression. Repeatable."),
  diff: bool(false, "Print differences between expected and actual alerts, coloured."),
  debug: bool(false, "Print when tests begin and end, and all data at their end."),
  "ignore-unknown-fields": bool(false, "Unknown fields in test and rule files are no errors."),
  junit: string("", "File to write results to, as JUnit XML."),
  "enable-feature": strings("Features of PromQL, as Prometheus names them. Repeatable."),
};

/** Ours: prints a block or a whole data folder. */
export const tsdbDumpFlags = {
  ...globalFlags,
  format: choice(["jsonl"], "jsonl", "Form of the output: one JSON object a series."),
  chunks: bool(false, "Print chunks, tombstones and references too."),
  match: string("", "Only series that this selector matches."),
};

/** What promtool does under the same name. */
export const tsdbAnalyzeFlags = {
  ...globalFlags,
  limit: uint(20, "Lines of each list."),
  match: string("", "Only series that this selector matches."),
};

/** Ours: runs scripts in Prometheus' promqltest grammar. */
export const promqltestFlags = { ...globalFlags };

export type TsdbAnalyzeFlagValues = FlagValues<typeof tsdbAnalyzeFlags>;
export type TsdbDumpFlagValues = FlagValues<typeof tsdbDumpFlags>;
export type RulesTestFlagValues = FlagValues<typeof rulesTestFlags>;
