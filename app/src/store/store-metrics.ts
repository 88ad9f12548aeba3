// Metrics of serving blocks, under Thanos' names.
import type { CallBudget, HeaderPoolEvents } from "@deucalion/blocks";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** `thanos_bucket_store_*`. */
export class StoreMetrics implements HeaderPoolEvents {
  readonly #loaded: Gauge;
  readonly #lastLoaded: Gauge;
  readonly #loads: Counter;
  readonly #loadFailures: Counter;
  readonly #drops: Counter;
  readonly #blocksQueried: Histogram;
  readonly #fetched: Histogram;
  readonly #seriesTouched: Histogram;
  readonly #chunksTouched: Histogram;
  readonly #dropped: Counter<"reason">;
  readonly #headers: ReturnType<typeof headerMetrics>;
  readonly #lazy: ReturnType<typeof lazyMetrics>;

  constructor(registry: Registry) {
    const registers = [registry];
    const name = (rest: string): string => `thanos_bucket_store_${rest}`;
    this.#loaded = new Gauge({
      name: name("blocks_loaded"),
      help: "Blocks that are served.",
      registers,
    });
    this.#lastLoaded = new Gauge({
      name: name("blocks_last_loaded_timestamp_seconds"),
      help: "When the view of the bucket was last updated.",
      registers,
    });
    this.#loads = new Counter({
      name: name("block_loads_total"),
      help: "Index-headers that were opened or made, or should have been.",
      registers,
    });
    this.#loadFailures = new Counter({
      name: name("block_load_failures_total"),
      help: "Blocks whose index-header could not be opened or made.",
      registers,
    });
    this.#drops = new Counter({
      name: name("block_drops_total"),
      help: "Blocks that are not served any more.",
      registers,
    });
    this.#blocksQueried = new Histogram({
      name: name("series_blocks_queried"),
      help: "Blocks asked by a Series call.",
      buckets: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
      registers,
    });
    this.#fetched = new Histogram({
      name: name("series_call_fetched_bytes"),
      help: "Bytes of postings, series and chunks read for a Series call.",
      buckets: [10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32].map((power) => 2 ** power),
      registers,
    });
    this.#seriesTouched = new Histogram({
      name: name("series_result_series"),
      help: "Series touched by a Series call, over all its blocks.",
      buckets: [1, 10, 100, 1000, 10_000, 100_000, 1_000_000],
      registers,
    });
    this.#chunksTouched = new Histogram({
      name: name("series_call_chunks"),
      help: "Chunks touched by a Series call.",
      buckets: [1, 10, 100, 1000, 10_000, 100_000, 1_000_000],
      registers,
    });
    this.#dropped = new Counter({
      name: name("queries_dropped_total"),
      help: "Calls that were refused because of a limit.",
      labelNames: ["reason"],
      registers,
    });
    this.#headers = headerMetrics(registers);
    this.#lazy = lazyMetrics(registers);
    for (const reason of ["series", "chunks", "bytes", "memory"]) this.#dropped.inc({ reason }, 0);
  }

  synced(served: number, gone: number, nowMs: number): void {
    this.#loaded.set(served);
    this.#drops.inc(gone);
    this.#lastLoaded.set(nowMs / 1000);
  }

  loaded(ok: boolean): void {
    this.#loads.inc();
    if (!ok) this.#loadFailures.inc();
  }

  opened(ok: boolean, seconds: number): void {
    this.#headers.opened.inc();
    if (ok) this.#headers.openSeconds.observe(seconds);
    else this.#headers.openFailures.inc();
  }

  made(seconds: number): void {
    this.#headers.makeSeconds.observe(seconds);
  }

  closed(): void {
    this.#headers.closed.inc();
  }

  called(budget: CallBudget, blocks: number): void {
    this.#blocksQueried.observe(blocks);
    this.#fetched.observe(budget.bytes);
    this.#seriesTouched.observe(budget.series);
    this.#chunksTouched.observe(budget.chunks);
    if (budget.lazyBytes === 0) return;
    this.#lazy.calls.inc();
    this.#lazy.bytes.inc(budget.lazyBytes);
    for (const [reason, count] of Object.entries(budget.lazyGroups))
      this.#lazy.groups.inc({ reason }, count);
  }

  refused(reason: "series" | "chunks" | "bytes" | "memory"): void {
    this.#dropped.inc({ reason });
  }
}

/** `thanos_bucket_store_indexheader_*`. */
function headerMetrics(registers: Registry[]) {
  const name = (rest: string): string => `thanos_bucket_store_indexheader_${rest}`;
  const seconds = (rest: string, help: string): Histogram =>
    new Histogram({
      name: name(rest),
      help,
      buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 30, 60, 90, 120, 300],
      registers,
    });
  return {
    opened: new Counter({
      name: name("lazy_load_total"),
      help: "Index-headers that were opened.",
      registers,
    }),
    openFailures: new Counter({
      name: name("lazy_load_failed_total"),
      help: "Index-headers that could not be opened.",
      registers,
    }),
    closed: new Counter({
      name: name("lazy_unload_total"),
      help: "Index-headers that were closed because they were idle or too many.",
      registers,
    }),
    openSeconds: seconds("lazy_load_duration_seconds", "Time to open an index-header."),
    makeSeconds: seconds(
      "download_duration_seconds",
      "Time to make an index-header from the bucket.",
    ),
  };
}

/** `thanos_bucket_store_lazy_expanded_posting*`. */
function lazyMetrics(registers: Registry[]) {
  const name = (rest: string): string => `thanos_bucket_store_lazy_expanded_posting${rest}`;
  const groups = new Counter({
    name: name("_groups_total"),
    help: "Groups of postings that were left to a filter of series, and why.",
    labelNames: ["reason"],
    registers,
  });
  for (const reason of ["keys_limit", "postings_size"]) groups.inc({ reason }, 0);
  return {
    groups,
    calls: new Counter({
      name: name("s_total"),
      help: "Calls that left postings to a filter.",
      registers,
    }),
    bytes: new Counter({
      name: name("_size_bytes_total"),
      help: "Bytes of postings that were not read because of that.",
      registers,
    }),
  };
}
