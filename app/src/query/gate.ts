// Lets a number of queries in at once; the others wait in order.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

interface Waiter {
  readonly enter: () => void;
}

/** Names as Thanos' gates have them: `${prefix}gate_queries_in_flight` and so on. */
export class Gate {
  readonly #max: number;
  #inside = 0;
  readonly #waiting: Waiter[] = [];
  readonly #inFlight: Gauge;
  readonly #total: Counter;
  readonly #wait: Histogram;

  /** `max` 0 or less lets everybody in. */
  constructor(max: number, prefix: string, registry: Registry) {
    this.#max = max <= 0 ? Number.POSITIVE_INFINITY : max;
    const registers = [registry];
    this.#inFlight = new Gauge({
      name: `${prefix}gate_queries_in_flight`,
      help: "Queries being evaluated.",
      registers,
    });
    new Gauge({
      name: `${prefix}gate_queries_max`,
      help: "Queries that may be evaluated at once.",
      registers,
    }).set(Math.max(0, max));
    this.#total = new Counter({
      name: `${prefix}gate_queries_total`,
      help: "Queries that were let in.",
      registers,
    });
    this.#wait = new Histogram({
      name: `${prefix}gate_queries_duration_seconds`,
      help: "Time that queries waited to be let in.",
      buckets: [0.01, 0.1, 0.3, 0.6, 1, 2, 3, 6, 10, 30, 60, 120],
      registers,
    });
  }

  /** Waits for a place and returns how to give it back. Throws the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const begun = performance.now();
    if (this.#inside >= this.#max) await this.#queue(signal);
    else this.#inside++;
    this.#inFlight.set(this.#inside);
    this.#total.inc();
    this.#wait.observe((performance.now() - begun) / 1000);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside--;
      else next.enter();
      this.#inFlight.set(this.#inside);
    };
  }

  #queue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      // Who leaves hands the place on, so the count stays.
      const waiter: Waiter = {
        enter: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiter);
    });
  }
}
