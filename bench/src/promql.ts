// Whole queries of the engine over chunks in memory: 10k series × 6 h at 15 s, step 60 s.
import { readFileSync, writeFileSync } from "node:fs";
import { JsonWriter, writeResult } from "@deucalion/app";
import { Engine, type QueryValue } from "@deucalion/promql";
import { ChunkSource } from "./chunk-source.ts";
import { type QuerySet, querySets, samplesPerSeries, startMs } from "./promql-sets.ts";
import { type Figure, timed, type Workload } from "./workload.ts";

const stepMs = 60_000;
const endMs = startMs + samplesPerSeries * 15_000;

/** Most memory that the process had since `forgetPeak`, in MB; NaN where the system does not tell. */
function peakMegabytes(): number {
  try {
    const found = /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "latin1"));
    return Number(found?.[1] ?? Number.NaN) / 1024;
  } catch {
    return Number.NaN;
  }
}

function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not Linux, or not allowed: the peak is then that of the whole life.
  }
}

/** What a result amounts to, so that results of other engines can be told to be the same. */
function summary(value: QueryValue): string {
  if (value.type !== "matrix") return value.type;
  let points = 0;
  let sum = 0;
  for (const { values } of value.series) {
    points += values.length;
    for (const one of values) if (!Number.isNaN(one)) sum += one;
  }
  return `${value.series.length} series, ${points} points, sum ${sum.toPrecision(12)}`;
}

async function measure(set: QuerySet, rounds: number, figures: Figure[]): Promise<void> {
  const source = new ChunkSource(set.series());
  const engine = new Engine({});
  const one = async (name: string, work: () => Promise<string>): Promise<void> => {
    let told = "";
    forgetPeak();
    const { wallMs, cpuMs } = await timed(rounds, async () => {
      told = await work();
    });
    const peak = peakMegabytes().toFixed(0);
    figures.push({
      name,
      value: cpuMs,
      unit: `ms CPU, ${wallMs.toFixed(0)} ms, peak ${peak} MB; ${told}`,
    });
  };
  for (const query of set.ranges) {
    await one(query, async () => {
      return summary((await engine.range(query, source, startMs, endMs, stepMs)).value);
    });
  }
  for (const query of set.instants) {
    await one(`${query} (instant, JSON)`, async () => {
      let bytes = 0;
      const out = new JsonWriter(async (slab) => {
        bytes += slab.length;
        return true;
      });
      const { value } = await engine.instant(query, source, startMs + 19 * 15_000 + 1000);
      await writeResult(out, value);
      bytes += (await out.finish()).length;
      return `${bytes} bytes`;
    });
  }
}

export const promql: Workload = {
  name: "promql",
  about: "engine alone, chunks in memory, 6 h @15 s, step 60 s, one core",
  run: async (rounds) => {
    const figures: Figure[] = [];
    for (const set of querySets) await measure(set, rounds, figures);
    return figures;
  },
};
