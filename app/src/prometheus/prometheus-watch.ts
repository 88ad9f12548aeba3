// Keeps what is known of a Prometheus server fresh: external labels, oldest sample, whether it answers.
import { type Log, messageOf } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import type { PrometheusClient } from "./prometheus-client.ts";
import type { PrometheusState } from "./prometheus-source.ts";

export interface PrometheusWatchOptions {
  /** How often to look, and how soon to try again at the start. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Nothing older is served; evaluated at each look, in ms. */
  readonly minTime: () => number;
}

export interface PrometheusWatchDeps {
  readonly client: PrometheusClient;
  readonly log: Log;
  /** Called after each look with the error, or null where all went well. */
  readonly onLook: (error: unknown) => void;
}

/** Later looks happen this often whatever the interval at the start. */
const heartbeatMs = 30_000;

export class PrometheusWatch {
  readonly #options: PrometheusWatchOptions;
  readonly #deps: PrometheusWatchDeps;
  #state: PrometheusState = {
    externalLabels: Labels.empty,
    minTime: Number.NEGATIVE_INFINITY,
    overridden: true,
  };
  #version = "";

  constructor(options: PrometheusWatchOptions, deps: PrometheusWatchDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** What the last successful look saw. */
  get state(): PrometheusState {
    return this.#state;
  }
  get version(): string {
    return this.#version;
  }

  /** One look at everything. Throws what the client throws. */
  async look(signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)]);
    const { client } = this.#deps;
    this.#version = await client.version(limit).catch(() => "");
    const minTime = Math.max(await client.minTime(limit), this.#options.minTime());
    const externalLabels = await client.externalLabels(limit);
    const { data } = await client.api("/api/v1/labels", [], limit);
    const stored = new Set(Array.isArray(data) ? data.map(String) : []);
    const overridden = [...externalLabels].some(([name]) => stored.has(name));
    this.#state = { externalLabels, minTime, overridden };
  }

  /** Looks until it works, again every `intervalMs`. Ends early, by throwing, only if the signal aborts. */
  async firstLook(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.look(signal);
        this.#deps.onLook(null);
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#deps.onLook(error);
        this.#deps.log.warn(
          "failed to fetch initial external labels or lowest time. Is Prometheus running? Retrying",
          {
            err: messageOf(error),
            url: this.#deps.client.address,
          },
        );
      }
      await pause(this.#options.intervalMs, signal);
      signal.throwIfAborted();
    }
  }

  /** Looks every 30 s until the signal aborts. */
  async keepLooking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(heartbeatMs, signal);
      if (signal.aborted) return;
      try {
        await this.look(signal);
        this.#deps.onLook(null);
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.onLook(error);
        this.#deps.log.warn("heartbeat failed", {
          err: messageOf(error),
          url: this.#deps.client.address,
        });
      }
    }
  }
}

/** Waits, or ends at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
