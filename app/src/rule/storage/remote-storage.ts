// A stateless ruler's storage: samples go into a spool on disk and from there to remote-write targets; state is asked for.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import { SnappyEncoder } from "@deucalion/kernels";
import type { Labels, Matcher } from "@deucalion/model";
import {
  type AppendRejection,
  type AppendSample,
  type ForStateSeries,
  RulesError,
} from "@deucalion/rules";
import type { Registry } from "prom-client";
import type { Actor } from "../../process/run-group.ts";
import { encodeSamples } from "../remote-write/encode-samples.ts";
import type { RemoteWriteTarget } from "../remote-write/remote-write-config.ts";
import { RemoteWriteMetrics } from "../remote-write/remote-write-metrics.ts";
import { RemoteWriter } from "../remote-write/remote-writer.ts";
import { comparePositions, Spool, spoolDefaults } from "../remote-write/spool.ts";
import type { RuleStorage } from "./rule-storage.ts";

/** At the end of the process what is in the spool gets so long to be sent; the rest goes after the next start. */
const drainMs = 5000;

/** A target that takes longer holds no rule up: it then reads what is there. */
const settleMs = 2000;

export interface RemoteStorageOptions {
  readonly dir: string;
  readonly externalLabels: Labels;
  readonly targets: readonly RemoteWriteTarget[];
}

export interface RemoteStorageDeps {
  readonly log: Log;
  readonly registry: Registry;
  readonly now: () => number;
  /** Asks queriers for the state of alerts. */
  readonly readForState: RuleStorage["readForState"];
}

export class RemoteStorage implements RuleStorage {
  readonly #options: RemoteStorageOptions;
  readonly #deps: RemoteStorageDeps;
  readonly #spool: Spool;
  readonly #writers: readonly RemoteWriter[];
  readonly #metrics: RemoteWriteMetrics;
  readonly #snappy = new SnappyEncoder();

  /** Opens the spool. */
  constructor(options: RemoteStorageOptions, deps: RemoteStorageDeps) {
    this.#options = options;
    this.#deps = deps;
    const { log, registry, now } = deps;
    const dir = join(options.dir, "remote-write");
    mkdirSync(dir, { recursive: true });
    const report = (reason: string, fields: Readonly<Record<string, unknown>>): void =>
      log.error(reason, { component: "remote", ...fields });
    const spool = new Spool({ ...spoolDefaults, dir: join(dir, "spool") }, { report });
    const metrics = new RemoteWriteMetrics(registry, options.targets);
    metrics.spool(() => spool.bytes);
    this.#spool = spool;
    this.#metrics = metrics;
    this.#writers = options.targets.map(
      (target) =>
        new RemoteWriter(target, {
          dir,
          spool,
          log: log.with({ component: "remote" }),
          now,
          metrics: metrics.target(target),
          env: process.env,
          advanced: () => this.#release(),
        }),
    );
    this.#release();
  }

  /** Removes what all targets have. */
  #release(): void {
    let oldest = this.#spool.end;
    for (const { position } of this.#writers) {
      if (comparePositions(position, oldest) < 0) oldest = position;
    }
    this.#spool.releaseBefore(oldest);
  }

  append(samples: readonly AppendSample[]): Promise<readonly AppendRejection[]> {
    if (samples.length === 0) return Promise.resolve([]);
    try {
      const request = encodeSamples(samples, this.#options.externalLabels);
      this.#spool.append(this.#snappy.encode(request));
    } catch (cause) {
      const text = `rule sample appending: ${messageOf(cause)}`;
      return Promise.reject(new RulesError("RULES_APPEND", text, {}, { cause }));
    }
    let newest = Number.NEGATIVE_INFINITY;
    for (const { timeMs } of samples) newest = Math.max(newest, timeMs);
    this.#metrics.appended(samples.length, newest);
    return Promise.resolve([]);
  }

  /** What the next rule of a group is to read has to be at the targets. */
  async settle(signal: AbortSignal): Promise<void> {
    const { end } = this.#spool;
    await Promise.all(this.#writers.map((writer) => writer.reach(end, settleMs, signal)));
  }

  readForState(
    matchers: readonly Matcher[],
    minTimeMs: number,
    maxTimeMs: number,
    signal: AbortSignal,
  ): Promise<readonly ForStateSeries[]> {
    return this.#deps.readForState(matchers, minTimeMs, maxTimeMs, signal);
  }

  get actor(): Actor {
    const stop = new AbortController();
    const hard = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    return {
      name: "remote write",
      execute: async () => {
        try {
          await Promise.all(this.#writers.map((writer) => writer.run(stop.signal, hard.signal)));
          if (this.#writers.length === 0) {
            await new Promise<void>((resolve) => {
              if (stop.signal.aborted) resolve();
              stop.signal.addEventListener("abort", () => resolve());
            });
          }
        } finally {
          clearTimeout(timer);
          this.#spool.close();
        }
      },
      interrupt: () => {
        timer = setTimeout(() => hard.abort(new Error("stopping")), drainMs);
        stop.abort(new Error("stopping"));
      },
    };
  }
}
