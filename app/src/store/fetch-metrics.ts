// Metrics of reading a bucket's metas, under Thanos' names.
import type { BlockState, MetaView } from "@deucalion/blocks";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

const states: readonly BlockState[] = [
  "corrupted-meta-json",
  "no-meta-json",
  "loaded",
  "too-fresh",
  "failed",
  "label-excluded",
  "time-excluded",
  "duplicate",
  "marked-for-deletion",
  "marked-for-no-compact",
  "parquet-converted",
];

/** `thanos_blocks_meta_*`. */
export class FetchMetrics {
  readonly #syncs: Counter;
  readonly #failures: Counter;
  readonly #seconds: Histogram;
  readonly #synced: Gauge<"state">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#syncs = new Counter({
      name: "thanos_blocks_meta_syncs_total",
      help: "Attempts to read the metas of the bucket.",
      registers,
    });
    this.#failures = new Counter({
      name: "thanos_blocks_meta_sync_failures_total",
      help: "Attempts that failed or left the view incomplete.",
      registers,
    });
    this.#seconds = new Histogram({
      name: "thanos_blocks_meta_sync_duration_seconds",
      help: "Time to read the metas of the bucket.",
      buckets: [0.01, 1, 10, 100, 300, 600, 1000],
      registers,
    });
    this.#synced = new Gauge({
      name: "thanos_blocks_meta_synced",
      help: "Blocks by what became of them in the last round.",
      labelNames: ["state"],
      registers,
    });
    for (const state of states) this.#synced.set({ state }, 0);
  }

  /** Counts one round; undefined for one that failed. */
  observe(view: MetaView | undefined): void {
    this.#syncs.inc();
    if (view === undefined || view.incomplete) this.#failures.inc();
    if (view === undefined) return;
    this.#seconds.observe(view.durationMs / 1000);
    for (const state of states) this.#synced.set({ state }, view.states.get(state) ?? 0);
  }
}
