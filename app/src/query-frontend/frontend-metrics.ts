// Metrics of the query frontend; names as Thanos has them.
import { Counter, Histogram, type Registry } from "prom-client";

export type Tripperware = "query_range" | "query_instant" | "labels";

export class FrontendMetrics {
  readonly queries: Counter<"op">;
  readonly splits: Counter<"tripperware">;
  readonly shardable: Counter<"shardable">;
  readonly downsampled: Counter;
  readonly retries: Histogram<"tripperware">;
  readonly slow: Counter;
  readonly seconds: Counter<"user">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.queries = new Counter({
      name: "thanos_query_frontend_queries_total",
      help: "Requests by kind.",
      labelNames: ["op"],
      registers,
    });
    this.splits = new Counter({
      name: "thanos_frontend_split_queries_total",
      help: "Parts that requests were split into.",
      labelNames: ["tripperware"],
      registers,
    });
    this.shardable = new Counter({
      name: "thanos_frontend_sharding_middleware_queries_total",
      help: "Queries by whether they can be sharded.",
      labelNames: ["shardable"],
      registers,
    });
    this.downsampled = new Counter({
      name: "thanos_frontend_downsampled_extra_queries_total",
      help: "Further requests for downsampled data.",
      registers,
    });
    this.retries = new Histogram({
      name: "cortex_query_frontend_retries",
      help: "How often a request was sent again.",
      labelNames: ["tripperware"],
      buckets: [0, 1, 2, 3, 4, 5],
      registers,
    });
    this.slow = new Counter({
      name: "deucalion_query_frontend_slow_queries_total",
      help: "Queries that were logged as slow.",
      registers,
    });
    this.seconds = new Counter({
      name: "cortex_query_seconds_total",
      help: "Time that queries took at the querier; with --query-frontend.force-query-stats.",
      labelNames: ["user"],
      registers,
    });
    for (const op of ["query", "query_range", "label_names", "label_values", "series"]) {
      this.queries.inc({ op }, 0);
    }
  }
}
