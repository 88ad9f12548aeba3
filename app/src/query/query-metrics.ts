// Metrics of queries, by Thanos' names.
import { Counter, exponentialBuckets, Gauge, Histogram, type Registry } from "prom-client";
import type { QueryApiOptions } from "./options.ts";

export class QueryMetrics {
  /** Length of range queries. */
  readonly #range: Histogram;
  readonly #running: Gauge;
  readonly #total: Counter<"fallback">;
  readonly #duration: Histogram<"tenant" | "series_le" | "samples_le">;
  readonly #samples: Counter;
  readonly #failed: Counter<"type">;
  readonly #seriesBuckets: readonly number[];
  readonly #samplesBuckets: readonly number[];

  constructor(options: QueryApiOptions, registry: Registry) {
    const registers = [registry];
    this.#seriesBuckets = options.seriesBuckets;
    this.#samplesBuckets = options.samplesBuckets;
    this.#range = new Histogram({
      name: "thanos_query_range_requested_timespan_duration_seconds",
      help: "Length of the ranges of range queries.",
      buckets: exponentialBuckets(15 * 60, 2, 12),
      registers,
    });
    this.#running = new Gauge({
      name: "thanos_engine_queries",
      help: "Queries being evaluated or waiting.",
      registers,
    });
    this.#total = new Counter({
      name: "thanos_engine_queries_total",
      help: "Queries evaluated.",
      labelNames: ["fallback"],
      registers,
    });
    this.#duration = new Histogram({
      name: "thanos_store_api_query_duration_seconds",
      help: "Duration of queries, by how much they touched.",
      buckets: [...options.durationBuckets],
      labelNames: ["tenant", "series_le", "samples_le"],
      registers,
    });
    this.#samples = new Counter({
      name: "prometheus_engine_query_samples_total",
      help: "Samples loaded by queries.",
      registers,
    });
    this.#failed = new Counter({
      name: "deucalion_query_failures_total",
      help: "Queries that ended with an error, by its type.",
      labelNames: ["type"],
      registers,
    });
  }

  range(seconds: number): void {
    this.#range.observe(seconds);
  }

  begin(): void {
    this.#running.inc();
    this.#total.inc({ fallback: "false" });
  }

  end(): void {
    this.#running.dec();
  }

  failed(type: string): void {
    this.#failed.inc({ type });
  }

  done(tenant: string, seconds: number, series: number, samples: number): void {
    this.#samples.inc(samples);
    const bucket = (value: number, buckets: readonly number[]): string => {
      const found = buckets.find((upper) => value <= upper);
      return found === undefined ? "+Inf" : String(found);
    };
    this.#duration.observe(
      {
        tenant,
        series_le: bucket(series, this.#seriesBuckets),
        samples_le: bucket(samples, this.#samplesBuckets),
      },
      seconds,
    );
  }
}
