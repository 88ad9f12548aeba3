// Watches the file of the hashrings.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { type Log, messageOf } from "@deucalion/base";
import { Counter, Gauge, type Registry } from "prom-client";
import type { HashringConfig } from "./hashring-config.ts";
import { parseHashrings } from "./hashring-config.ts";

const pollMs = 1000;

export interface HashringWatchDeps {
  readonly log: Log;
  readonly registry: Registry;
  readonly now: () => number;
  /** Takes new hashrings into use. Throws if they do not fit; the old ones stay then. */
  readonly changed: (configs: readonly HashringConfig[]) => Promise<void>;
}

/** Reads hashrings from a file, or takes the text of a flag, and tells of changes. */
export class HashringWatch {
  readonly #path: string;
  readonly #content: string;
  readonly #refreshMs: number;
  readonly #deps: HashringWatchDeps;
  #last = "";
  #stamp = "";
  readonly #hash: Gauge;
  readonly #success: Gauge;
  readonly #successTime: Gauge;
  readonly #changes: Counter;
  readonly #errors: Counter;
  readonly #refreshes: Counter;
  readonly #nodes: Gauge<"name">;
  readonly #tenants: Gauge<"name">;

  constructor(path: string, content: string, refreshMs: number, deps: HashringWatchDeps) {
    this.#path = path;
    this.#content = content;
    this.#refreshMs = refreshMs;
    this.#deps = deps;
    const registers = [deps.registry];
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    this.#hash = gauge("thanos_receive_config_hash", "Hash of the hashrings in use.");
    this.#success = gauge(
      "thanos_receive_config_last_reload_successful",
      "1 if the hashrings could be loaded the last time.",
    );
    this.#successTime = gauge(
      "thanos_receive_config_last_reload_success_timestamp_seconds",
      "When hashrings were last loaded, in Unix seconds.",
    );
    this.#changes = counter("thanos_receive_hashrings_file_changes_total", "Changes of the file.");
    this.#errors = counter(
      "thanos_receive_hashrings_file_errors_total",
      "Times that the file could not be read or used.",
    );
    this.#refreshes = counter(
      "thanos_receive_hashrings_file_refreshes_total",
      "Looks at the file.",
    );
    const names = ["name"] as const;
    this.#nodes = new Gauge({
      name: "thanos_receive_hashring_nodes",
      help: "Endpoints of a hashring.",
      labelNames: names,
      registers,
    });
    this.#tenants = new Gauge({
      name: "thanos_receive_hashring_tenants",
      help: "Tenants that a hashring names.",
      labelNames: names,
      registers,
    });
  }

  /** Looks now. False if there is nothing that can be used. */
  async look(): Promise<boolean> {
    const { log, changed, now } = this.#deps;
    this.#refreshes.inc();
    try {
      const text = this.#path === "" ? this.#content : await readFile(this.#path, "utf8");
      if (text === this.#last) return true;
      const configs = parseHashrings(text);
      await changed(configs);
      this.#last = text;
      this.#changes.inc();
      const digest = createHash("sha256").update(text).digest();
      this.#hash.set(digest.readUIntBE(0, 6));
      this.#success.set(1);
      this.#successTime.set(now() / 1000);
      this.#nodes.reset();
      this.#tenants.reset();
      for (const { name, endpoints, tenants } of configs) {
        this.#nodes.set({ name }, endpoints.length);
        this.#tenants.set({ name }, tenants?.length ?? 0);
      }
      return true;
    } catch (error) {
      this.#errors.inc();
      this.#success.set(0);
      log.error("hashrings cannot be loaded", { err: messageOf(error) });
      return false;
    }
  }

  /** Looks again when the file changes, and every so often, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    let looked = this.#deps.now();
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollMs);
        signal.addEventListener(
          "abort",
          () => {
            clearTimeout(timer);
            resolve();
          },
          { once: true },
        );
      });
      if (signal.aborted || this.#path === "") continue;
      const found = await stat(this.#path).catch(() => null);
      const stamp = found === null ? "" : `${found.mtimeMs}:${found.size}:${found.ino}`;
      const due = this.#deps.now() - looked >= this.#refreshMs;
      if (stamp === this.#stamp && !due) continue;
      looked = this.#deps.now();
      if (await this.look()) this.#stamp = stamp;
    }
  }
}
