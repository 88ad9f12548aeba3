// `deucalion tools tsdb dump`: prints a block or a data folder as JSON lines.
import { engineDefaults, parseMetricSelector } from "@deucalion/promql";
import type { ReplayDamage } from "@deucalion/tsdb";
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
  const report = ({ file, offset, reason }: ReplayDamage): void =>
    process.log.warn("a damaged record of the write-ahead log is left out", {
      file,
      offset,
      err: reason,
    });
  await dumpTsdb(dir, { chunks: values.chunks, match, report }, process.write);
}
