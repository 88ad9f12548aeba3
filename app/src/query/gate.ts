// Lets a number of queries in at once; the others wait in order.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

interface Waiter {
  readonly enter: () => void;
}

/** Metrics of one gate, or of gates of one kind. Names as Thanos' gates have them: `${prefix}gate_${what}_in_flight` and so on. */
export class GateMetrics {
  readonly inFlight: Gauge;
  readonly total: Counter;
  readonly wait: Histogram;

  /** `max` is what the gates let in at once. */
  constructor(max: number, prefix: string, registry: Registry, what = "queries") {
    const registers = [registry];
    this.inFlight = new Gauge({
      name: `${prefix}gate_${what}_in_flight`,
      help: `How many ${what} are under way.`,
      registers,
    });
    new Gauge({
      name: `${prefix}gate_${what}_max`,
      help: `How many ${what} may be under way at once.`,
      registers,
    }).set(Math.max(0, max));
    this.total = new Counter({
      name: `${prefix}gate_${what}_total`,
      help: `How many ${what} were let in.`,
      registers,
    });
    this.wait = new Histogram({
      name: `${prefix}gate_${what}_duration_seconds`,
      help: `Time that ${what} waited to be let in.`,
      buckets: [0.01, 0.1, 0.3, 0.6, 1, 2, 3, 6, 10, 30, 60, 120],
      registers,
    });
  }
}

export class Gate {
  readonly #max: number;
  readonly #metrics: GateMetrics;
  #inside = 0;
  readonly #waiting: Waiter[] = [];

  /** `max` 0 or less lets everybody in. */
  constructor(max: number, metrics: GateMetrics) {
    this.#max = max <= 0 ? Number.POSITIVE_INFINITY : max;
    this.#metrics = metrics;
  }

  /** Waits for a place and returns how to give it back. Throws the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const begun = performance.now();
    if (this.#inside >= this.#max) await this.#queue(signal);
    else this.#inside++;
    const { inFlight, total, wait } = this.#metrics;
    inFlight.inc();
    total.inc();
    wait.observe((performance.now() - begun) / 1000);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside--;
      else next.enter();
      inFlight.dec();
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
