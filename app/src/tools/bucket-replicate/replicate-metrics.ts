// Metrics of `tools bucket replicate`, under Thanos' names.
import { Counter, Histogram, type Registry } from "prom-client";
import type { CopyEvents } from "./copy-block.ts";

const results = ["success", "error"] as const;

/** `thanos_replicate_*`. */
export class ReplicateMetrics implements CopyEvents {
  readonly #runs: Counter<"result">;
  readonly #seconds: Histogram<"result">;
  readonly #already: Counter;
  readonly #objects: Counter;
  readonly #blocks: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#runs = new Counter({
      name: "thanos_replicate_replication_runs_total",
      help: "Rounds by how they ended.",
      labelNames: ["result"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "thanos_replicate_replication_run_duration_seconds",
      help: "Time of a round by how it ended.",
      labelNames: ["result"],
      registers,
    });
    for (const result of results) {
      this.#runs.inc({ result }, 0);
      this.#seconds.zero({ result });
    }
    this.#already = new Counter({
      name: "thanos_replicate_blocks_already_replicated_total",
      help: "Blocks that were at the target already.",
      registers,
    });
    this.#blocks = new Counter({
      name: "thanos_replicate_blocks_replicated_total",
      help: "Blocks that were copied.",
      registers,
    });
    this.#objects = new Counter({
      name: "thanos_replicate_objects_replicated_total",
      help: "Objects that were copied, meta.json not counted.",
      registers,
    });
  }

  ran(ok: boolean, seconds: number): void {
    const result = ok ? "success" : "error";
    this.#runs.inc({ result });
    this.#seconds.observe({ result }, seconds);
  }

  alreadyReplicated(): void {
    this.#already.inc();
  }

  objectReplicated(): void {
    this.#objects.inc();
  }

  blockReplicated(): void {
    this.#blocks.inc();
  }
}
