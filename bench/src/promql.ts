// Whole queries of the engine over series in memory: 10k series × 6 h at 15 s, step 60 s.
import { Labels, SampleColumns } from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import { Engine } from "@deucalion/promql";
import { type Figure, timed, type Workload } from "./workload.ts";

const startMs = 1_704_153_600_000;
const samplesPerSeries = 1440;
const stepMs = 60_000;

function counters(name: string, seriesCount: number): MemorySource {
  const series = Array.from({ length: seriesCount }, (_, i) => {
    const samples = new SampleColumns(samplesPerSeries);
    let value = i;
    for (let k = 0; k < samplesPerSeries; k++) {
      value += (i * 7 + k * 13) % 97;
      samples.pushFloat(startMs + k * 15_000 + ((i * 31 + k * 17) % 11) - 5, value);
    }
    return { labels: Labels.from({ __name__: name, a: `a${i % 20}`, i: String(i) }), samples };
  });
  return new MemorySource(series);
}

const queries = [
  "sum by (a) (rate(m[5m]))",
  "max_over_time(m[1h])",
  "avg_over_time(m[1h])",
  "quantile_over_time(0.9, m[5m])",
  "topk(10, m)",
  "m > bool 5",
  "max_over_time(rate(m[5m])[1h:1m])",
];

export const promql: Workload = {
  name: "promql",
  about: "engine alone, 10k series × 6 h @15 s from memory, step 60 s, one core",
  run: async (rounds) => {
    const source = counters("m", 10_000);
    const engine = new Engine({});
    const figures: Figure[] = [];
    for (const query of queries) {
      const { cpuMs } = await timed(rounds, async () => {
        await engine.range(query, source, startMs, startMs + samplesPerSeries * 15_000, stepMs);
      });
      figures.push({ name: query, value: cpuMs, unit: "ms CPU" });
    }
    const instant = await timed(rounds, async () => {
      await engine.instant("m", source, startMs + 3_600_000);
    });
    figures.push({ name: "m (instant)", value: instant.cpuMs, unit: "ms CPU" });
    return figures;
  },
};
