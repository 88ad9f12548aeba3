// `deucalion tools tsdb analyze`: prints what makes a block large.
import { engineDefaults, parseMetricSelector } from "@deucalion/promql";
import type { AppProcess } from "../process/app-process.ts";
import type { TsdbAnalyzeFlagValues } from "./flags.ts";
import { analyzeBlock } from "./tsdb-analyze/analyze-block.ts";

export async function analyzeCommand(
  dir: string,
  values: TsdbAnalyzeFlagValues,
  process: AppProcess,
): Promise<void> {
  const matchText = values.match;
  const match = matchText === "" ? [] : parseMetricSelector(matchText, engineDefaults.parse);
  await analyzeBlock(dir, { limit: values.limit, match, matchText }, process.write);
}
