// Watches Prometheus' configuration and rules, and makes it read them again when they changed.
import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import type { Actor } from "../process/run-group.ts";
import { pause } from "../prometheus/prometheus-watch.ts";
import { hashFiles } from "./hash-files.ts";
import { normalizeConfig } from "./normalize-config.ts";
import type { ReloaderMetrics } from "./reloader-metrics.ts";
import type { TriggerReload } from "./trigger-reload.ts";

export interface ReloaderOptions {
  /** "" for none. */
  readonly configFile: string;
  /** Where the configuration goes with the environment filled in; "" for nowhere. */
  readonly configEnvsubstFile: string;
  readonly ruleDirs: readonly string[];
  /** Everything is looked at again after so long; 0 looks once and never reloads. */
  readonly watchIntervalMs: number;
  readonly retryIntervalMs: number;
}

export interface ReloaderDeps {
  readonly trigger: TriggerReload;
  readonly metrics: ReloaderMetrics;
  readonly log: Log;
  readonly now: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Several events of one change are taken together. */
const settleMs = 1000;

/** Runs until it is stopped; ends with an error if the first look at the configuration fails. */
export class Reloader implements Actor {
  readonly name = "reloader";
  readonly #options: ReloaderOptions;
  readonly #deps: ReloaderDeps;
  readonly #stop = new AbortController();
  readonly #watchers: FSWatcher[] = [];
  #changed: () => void = () => undefined;
  #lastHash = "";
  #force = false;

  constructor(options: ReloaderOptions, deps: ReloaderDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async execute(): Promise<void> {
    const { configFile, ruleDirs, watchIntervalMs } = this.#options;
    const { log } = this.#deps;
    const { signal } = this.#stop;
    try {
      // Files are replaced by renaming: their folders tell of it.
      if (configFile !== "") this.#watch(dirname(configFile), false);
      for (const dir of ruleDirs) this.#watch(dir, true);
      if (configFile !== "") await this.apply();
      if (watchIntervalMs === 0) return await untilAborted(signal);
      log.info("started watching config file and directories for changes", {
        cfg: configFile,
        out: this.#options.configEnvsubstFile,
        dirs: ruleDirs.join(","),
      });
      while (!signal.aborted) {
        await this.#nextEvent(watchIntervalMs);
        if (signal.aborted) return;
        this.#deps.metrics.applies.inc();
        try {
          await this.apply();
        } catch (error) {
          if (signal.aborted) return;
          this.#deps.metrics.applyFailures.inc();
          log.error("apply error", { err: messageOf(error) });
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const watcher of this.#watchers) watcher.close();
    }
  }

  interrupt(): void {
    this.#stop.abort(new Error("stopping"));
  }

  #watch(path: string, recursive: boolean): void {
    const { metrics, log } = this.#deps;
    try {
      const watcher = watch(path, { recursive }, () => {
        metrics.watchEvents.inc();
        this.#changed();
      });
      watcher.on("error", (error) => {
        metrics.watchErrors.inc();
        log.warn("watching failed; changes are seen at the next interval", { path, err: error });
      });
      this.#watchers.push(watcher);
      metrics.watches.set(this.#watchers.length);
    } catch (error) {
      metrics.watchErrors.inc();
      log.warn("cannot watch; changes are seen at the next interval", {
        path,
        err: messageOf(error),
      });
    }
  }

  /** Ends after `ms`, or when something changed and then nothing more for a moment. */
  async #nextEvent(ms: number): Promise<void> {
    const { signal } = this.#stop;
    let events = 0;
    const wake = new AbortController();
    this.#changed = () => {
      events++;
      wake.abort();
    };
    await pause(ms, AbortSignal.any([signal, wake.signal]));
    for (let seen = 0; events > seen && !signal.aborted; ) {
      seen = events;
      await pause(settleMs, signal);
    }
    this.#changed = () => undefined;
  }

  /** Looks once, and reloads if something changed, again and again until the next look is due. */
  async apply(): Promise<void> {
    const { configFile, configEnvsubstFile, ruleDirs, watchIntervalMs } = this.#options;
    const { metrics, env } = this.#deps;
    const files = configFile === "" ? [] : [configFile];
    if (configFile !== "" && configEnvsubstFile !== "") {
      try {
        await normalizeConfig(configFile, configEnvsubstFile, env);
        metrics.expansionErrors.set(0);
      } catch (error) {
        if (messageOf(error).includes("environment variable")) metrics.expansionErrors.set(1);
        throw error;
      }
    }
    const hash = await hashFiles(files, ruleDirs);
    if ((!this.#force && hash === this.#lastHash) || watchIntervalMs === 0) return;
    await this.#reload(hash);
  }

  async #reload(hash: string): Promise<void> {
    const { trigger, metrics, log, now } = this.#deps;
    const { watchIntervalMs, retryIntervalMs } = this.#options;
    const limit = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(watchIntervalMs)]);
    while (!limit.aborted) {
      metrics.reloads.inc();
      try {
        await trigger(limit);
        this.#lastHash = hash;
        this.#force = false;
        metrics.reloaded(true, now());
        log.info("Reload triggered", { cfg_in: this.#options.configFile });
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        metrics.reloadFailures.inc();
        metrics.reloaded(false, now());
        log.error("Failed to trigger reload. Retrying.", { err: messageOf(error) });
      }
      await pause(retryIntervalMs, limit);
    }
    this.#force = true;
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
