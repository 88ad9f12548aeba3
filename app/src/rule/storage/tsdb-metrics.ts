// Metrics of the ruler's database, under Prometheus' names.
import type { LiveDatabase } from "@deucalion/tsdb";
import { Counter, Gauge, type Registry } from "prom-client";

/** What happens to samples and blocks. */
export interface TsdbEvents {
  appended(samples: number): void;
  rejected(reason: "duplicate" | "out-of-order" | "too-old" | "other"): void;
  cut(blocks: number): void;
  cutFailed(): void;
}

/** `database` is asked when metrics are read; null before it is open. */
export function tsdbMetrics(
  registry: Registry,
  retentionMs: number,
  database: () => LiveDatabase | null,
): TsdbEvents {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (db: LiveDatabase) => number): void => {
    new Gauge({
      name: `prometheus_tsdb_${name}`,
      help,
      registers,
      collect() {
        const db = database();
        const value = db === null ? 0 : read(db);
        this.set(Number.isFinite(value) ? value : 0);
      },
    });
  };
  const counter = (name: string, help: string) =>
    new Counter({ name: `prometheus_tsdb_${name}`, help, registers });
  gauge("head_series", "Series in the head.", ({ head }) => head.seriesCount);
  gauge("head_chunks", "Chunks in the head.", ({ head }) => head.chunkCount);
  gauge("head_min_time", "Oldest sample of the head, Unix ms.", ({ head }) => head.minTime);
  gauge("head_max_time", "Newest sample of the head, Unix ms.", ({ head }) => head.maxTime);
  gauge("blocks_loaded", "Blocks in the data folder.", ({ blocks }) => blocks.length);
  gauge("lowest_timestamp", "Oldest sample, Unix ms.", ({ timeRange }) => timeRange.minTime);
  gauge("retention_limit_seconds", "How long blocks are kept.", () => retentionMs / 1000);
  const appended = counter("head_samples_appended_total", "Samples stored.");
  const outOfOrder = counter("out_of_order_samples_total", "Samples refused for their order.");
  const outOfBound = counter("out_of_bound_samples_total", "Samples refused for their age.");
  const cuts = counter("compactions_total", "Blocks cut from the head.");
  const failures = counter("compactions_failed_total", "Attempts to cut blocks that failed.");
  return {
    appended: (samples) => appended.inc(samples),
    rejected: (reason) => (reason === "too-old" ? outOfBound : outOfOrder).inc(),
    cut: (blocks) => cuts.inc(blocks),
    cutFailed: () => failures.inc(),
  };
}
