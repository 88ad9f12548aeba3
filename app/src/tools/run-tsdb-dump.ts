// `deucalion tools tsdb dump`: prints a block or a data folder as JSON lines.

import { engineDefaults, parseMetricSelector } from "@deucalion/promql";
import type { AppProcess } from "../process/app-process.ts";
import type { TsdbDumpFlagValues } from "./flags.ts";
import { dumpTsdb } from "./tsdb-dump/dump-tsdb.ts";

export async function dumpCommand(
  dir: string,
  values: TsdbDumpFlagValues,
  process: AppProcess,
): Promise<void> {
  const parse = engineDefaults.parse;
  const match = values.match === "" ? [] : parseMetricSelector(values.match, parse);
  await dumpTsdb(dir, { chunks: values.chunks, match }, process.write);
}
