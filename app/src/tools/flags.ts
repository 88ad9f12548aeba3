// Flags of the tools that are not about buckets.
import type { FlagValues } from "../flags/flag-spec.ts";
import { bool, choice, string, strings } from "../flags/flag-types.ts";
import { globalFlags } from "../flags/groups.ts";

export const rulesCheckFlags = {
  ...globalFlags,
  rules: strings("Files with rules; globs. Repeatable.", { required: true }),
};

/** Ours: prints a block or a whole data folder. */
export const tsdbDumpFlags = {
  ...globalFlags,
  format: choice(["jsonl"], "jsonl", "Form of the output: one JSON object a series."),
  chunks: bool(false, "Print chunks, tombstones and references too."),
  match: string("", "Only series that this selector matches."),
};

/** Ours: runs scripts in Prometheus' promqltest grammar. */
export const promqltestFlags = { ...globalFlags };

export type TsdbDumpFlagValues = FlagValues<typeof tsdbDumpFlags>;
