// What signals do: SIGINT and SIGTERM stop the process, SIGHUP asks it to reload and never ends it.
import type { Log } from "@deucalion/base";
import type { Actor } from "./run-group.ts";

/** Signals of this process. Made before anything else, so that none is lost during the start. */
export class Signals {
  readonly #stop = new AbortController();
  readonly #reload = new Set<() => void>();
  readonly #log: () => Log;

  constructor(log: () => Log) {
    this.#log = log;
    const onStop = (signal: NodeJS.Signals) => {
      if (this.#stop.signal.aborted) return;
      this.#log().info("caught signal. Exiting.", {
        signal: signal === "SIGINT" ? "interrupt" : "terminated",
      });
      this.#stop.abort();
    };
    process.on("SIGINT", onStop);
    process.on("SIGTERM", onStop);
    process.on("SIGHUP", () => {
      this.#log().info("received SIGHUP, dispatching reload");
      for (const reload of this.#reload) reload();
    });
  }

  /** Aborted by the first SIGINT or SIGTERM. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** Calls `reload` at each SIGHUP. */
  onReload(reload: () => void): void {
    this.#reload.add(reload);
  }

  /** An actor that ends without error when the process is asked to stop. */
  actor(): Actor {
    let end: () => void = () => undefined;
    return {
      name: "signals",
      execute: () =>
        new Promise<void>((resolve) => {
          end = resolve;
          if (this.#stop.signal.aborted) resolve();
          this.#stop.signal.addEventListener("abort", () => resolve());
        }),
      interrupt: () => end(),
    };
  }
}
