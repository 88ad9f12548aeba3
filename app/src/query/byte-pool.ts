// Bytes that the queries of this process hold together, with a limit.
import type { ByteBudget } from "@deucalion/promql";
import { Gauge, type Registry } from "prom-client";
import type { ActiveQuery } from "./active-queries.ts";

export class BytePool {
  readonly maxBytes: number;
  #used = 0;

  constructor(maxBytes: number, registry: Registry) {
    this.maxBytes = maxBytes;
    const used = () => this.#used;
    new Gauge({
      name: "deucalion_query_bytes",
      help: "Bytes that queries hold now.",
      registers: [registry],
      collect() {
        this.set(used());
      },
    });
    new Gauge({
      name: "deucalion_query_bytes_max",
      help: "Bytes that queries may hold together.",
      registers: [registry],
    }).set(this.maxBytes);
  }

  /** The view of one query, which is shown what it holds. */
  of(active: ActiveQuery): ByteBudget {
    return {
      maxBytes: this.maxBytes,
      take: (bytes) => {
        if (bytes > 0 && this.#used + bytes > this.maxBytes) return false;
        this.#used += bytes;
        active.bytes += bytes;
        return true;
      },
    };
  }
}
