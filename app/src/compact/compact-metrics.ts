// Metrics of compaction, under Thanos' names.
import type { CompactionPlan, CompactorEvents } from "@deucalion/blocks";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What the `resolution` label says. */
function resolutionLabel(resolutionMs: number): string {
  return String(resolutionMs);
}

/** `thanos_compact_*`. */
export class CompactMetrics implements CompactorEvents {
  readonly #registry: Registry;
  readonly #halted: Gauge;
  readonly #retries: Counter;
  readonly #iterations: Counter;
  readonly #cleanups: Counter;
  readonly #partialDeletions: Counter;
  readonly #cleaned: Counter;
  readonly #cleanFailures: Counter;
  readonly #marked: Counter<"marker" | "reason">;
  readonly #garbageBlocks: Counter;
  readonly #garbageRuns: Counter;
  readonly #garbageFailures: Counter;
  readonly #garbageSeconds: Histogram;
  readonly #group: Readonly<Record<GroupCounter, Counter<"resolution">>>;
  readonly #downsamples: Counter<"resolution">;
  readonly #downsampleFailures: Counter<"resolution">;
  readonly #downsampleSeconds: Histogram<"resolution">;
  readonly #overlaps: Counter;
  readonly #conflicts: Counter;
  readonly #todo: Readonly<Record<string, Gauge>>;

  constructor(registry: Registry, deleteDelayMs: number) {
    this.#registry = registry;
    const gauge = (name: string, help: string): Gauge => this.#gauge(name, help);
    gauge("thanos_delete_delay_seconds", "Configured delay of deletions.").set(
      deleteDelayMs / 1000,
    );
    this.#halted = gauge("thanos_compact_halted", "1 once an error has stopped compaction.");
    this.#halted.set(0);
    this.#retries = this.#counter("thanos_compact_retries_total", "Rounds that are tried again.");
    this.#iterations = this.#counter("thanos_compact_iterations_total", "Rounds that succeeded.");
    this.#cleanups = this.#counter(
      "thanos_compact_block_cleanup_loops_total",
      "Rounds of cleaning that succeeded.",
    );
    this.#partialDeletions = this.#counter(
      "thanos_compact_aborted_partial_uploads_deletion_attempts_total",
      "Deletions begun of uploads that were given up.",
    );
    this.#cleaned = this.#counter("thanos_compact_blocks_cleaned_total", "Blocks deleted.");
    this.#cleanFailures = this.#counter(
      "thanos_compact_block_cleanup_failures_total",
      "Deletions of blocks that failed.",
    );
    this.#marked = new Counter({
      name: "thanos_compact_blocks_marked_total",
      help: "Blocks that were marked.",
      labelNames: ["marker", "reason"],
      registers: [registry],
    });
    this.#marked.inc(
      { marker: "no-compact-mark.json", reason: "block-index-out-of-order-chunk" },
      0,
    );
    this.#marked.inc({ marker: "no-compact-mark.json", reason: "index-size-exceeding" }, 0);
    this.#marked.inc({ marker: "deletion-mark.json", reason: "" }, 0);
    this.#garbageBlocks = this.#counter(
      "thanos_compact_garbage_collected_blocks_total",
      "Blocks marked for deletion since others hold their data.",
    );
    this.#garbageRuns = this.#counter(
      "thanos_compact_garbage_collection_total",
      "Garbage collections.",
    );
    this.#garbageFailures = this.#counter(
      "thanos_compact_garbage_collection_failures_total",
      "Garbage collections that failed.",
    );
    this.#garbageSeconds = new Histogram({
      name: "thanos_compact_garbage_collection_duration_seconds",
      help: "Time of a garbage collection.",
      buckets: [0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120, 240, 360, 720],
      registers: [registry],
    });
    this.#group = this.#groupCounters();
    this.#downsamples = this.#perResolution("thanos_compact_downsample_total", "Downsamplings.");
    this.#downsampleFailures = this.#perResolution(
      "thanos_compact_downsample_failures_total",
      "Downsamplings that failed.",
    );
    this.#downsampleSeconds = new Histogram({
      name: "thanos_compact_downsample_duration_seconds",
      help: "Time of a downsampling.",
      labelNames: ["resolution"],
      buckets: [60, 300, 900, 1800, 3600, 7200, 14400],
      registers: [registry],
    });
    this.#overlaps = this.#counter(
      "deucalion_compact_overlaps_merged_total",
      "Groups of overlapping chunks that were merged sample by sample.",
    );
    this.#conflicts = this.#counter(
      "deucalion_compact_sample_conflicts_total",
      "Timestamps at which merged chunks had different values.",
    );
    this.#todo = {
      compactions: gauge("thanos_compact_todo_compactions", "Compactions to be done."),
      compactionBlocks: gauge("thanos_compact_todo_compaction_blocks", "Blocks to be compacted."),
      downsampleBlocks: gauge("thanos_compact_todo_downsample_blocks", "Blocks to be downsampled."),
      deletionBlocks: gauge("thanos_compact_todo_deletion_blocks", "Blocks past their retention."),
      setAside: gauge(
        "deucalion_compact_blocks_set_aside",
        "Blocks that are kept from compaction or downsampling, or cannot be read.",
      ),
    };
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.#registry] });
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.#registry] });
  }

  #perResolution(name: string, help: string): Counter<"resolution"> {
    return new Counter({ name, help, labelNames: ["resolution"], registers: [this.#registry] });
  }

  #groupCounters(): Record<GroupCounter, Counter<"resolution">> {
    const name = (rest: string): string => `thanos_compact_group_${rest}_total`;
    return {
      compactions: this.#perResolution(name("compactions"), "Compactions that made a block."),
      started: this.#perResolution(name("compaction_runs_started"), "Compactions begun."),
      completed: this.#perResolution(name("compaction_runs_completed"), "Compactions ended well."),
      failures: this.#perResolution(name("compactions_failures"), "Compactions that failed."),
      vertical: this.#perResolution(
        name("vertical_compactions"),
        "Compactions of overlapping blocks that made a block.",
      ),
    };
  }

  halted(): void {
    this.#halted.set(1);
  }

  retried(): void {
    this.#retries.inc();
  }

  iterated(): void {
    this.#iterations.inc();
  }

  cleanedUp(): void {
    this.#cleanups.inc();
  }

  runStarted(resolutionMs: number): void {
    this.#group.started.inc({ resolution: resolutionLabel(resolutionMs) });
  }

  runCompleted(resolutionMs: number): void {
    this.#group.completed.inc({ resolution: resolutionLabel(resolutionMs) });
  }

  runFailed(resolutionMs: number): void {
    this.#group.failures.inc({ resolution: resolutionLabel(resolutionMs) });
  }

  compacted(
    resolutionMs: number,
    vertical: boolean,
    counts: { readonly overlaps: number; readonly conflicts: number },
  ): void {
    const resolution = resolutionLabel(resolutionMs);
    this.#group.compactions.inc({ resolution });
    if (vertical) this.#group.vertical.inc({ resolution });
    this.#overlaps.inc(counts.overlaps);
    this.#conflicts.inc(counts.conflicts);
  }

  downsampled(resolutionMs: number, seconds: number): void {
    const resolution = resolutionLabel(resolutionMs);
    this.#downsamples.inc({ resolution });
    this.#downsampleSeconds.observe({ resolution }, seconds);
  }

  downsampleFailed(resolutionMs: number): void {
    this.#downsampleFailures.inc({ resolution: resolutionLabel(resolutionMs) });
  }

  marked(marker: string, reason: string): void {
    this.#marked.inc({ marker, reason });
  }

  garbageCollected(blocks: number, seconds: number): void {
    this.#garbageRuns.inc();
    this.#garbageBlocks.inc(blocks);
    this.#garbageSeconds.observe(seconds);
  }

  garbageCollectionFailed(): void {
    this.#garbageFailures.inc();
  }

  blockDeleted(): void {
    this.#cleaned.inc();
  }

  blockDeletionFailed(): void {
    this.#cleanFailures.inc();
  }

  partialDeletion(): void {
    this.#partialDeletions.inc();
  }

  /** Shows what is left to do. */
  setTodo(plan: CompactionPlan, nowMs: number): void {
    this.#todo.compactions!.set(plan.compactions.length);
    const blocks = plan.compactions.reduce((sum, { sources }) => sum + sources.length, 0);
    this.#todo.compactionBlocks!.set(blocks);
    this.#todo.downsampleBlocks!.set(plan.downsamplings.length);
    const due = plan.deletions.filter(({ reason, atMs }) => reason === "retention" && atMs < nowMs);
    this.#todo.deletionBlocks!.set(due.length);
    this.#todo.setAside!.set(new Set(plan.blocked.map(({ block }) => block)).size);
  }
}

type GroupCounter = "compactions" | "started" | "completed" | "failures" | "vertical";
