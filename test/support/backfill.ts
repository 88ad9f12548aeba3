// Blocks of a counter, made by Prometheus' own tool.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promtoolBinary } from "./peers.ts";

export interface Backfill {
  /** Unix seconds of the first sample, the last, and between two. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
  /** `name{labels}` of each series. */
  readonly series: readonly string[];
}

/** Writes blocks of two hours into `dataDir`. The value of a sample is its age in steps. */
export function backfillBlocks(dataDir: string, { from, to, step, series }: Backfill): void {
  const lines: string[] = [];
  const name = series[0]!.replace(/\{.*/, "");
  lines.push(`# TYPE ${name.replace(/_total$/, "")} counter`);
  for (const one of series)
    for (let at = from, n = 0; at <= to; at += step, n++) lines.push(`${one} ${n} ${at}`);
  lines.push("# EOF\n");
  const file = join(dataDir, "backfill.txt");
  writeFileSync(file, lines.join("\n"));
  execFileSync(promtoolBinary(), ["tsdb", "create-blocks-from", "openmetrics", file, dataDir], {
    stdio: "pipe",
  });
}
