// The rhythm of one group: iterations at its own place in each interval, missed ones counted.
import type { Xxhash64 } from "@deucalion/kernels";
import { groupOffsetMs, slotBefore } from "./group-slot.ts";
import type { RuleGroup } from "./rule-group.ts";

export interface GroupLoopDeps {
  readonly now: () => number;
  readonly hash: Xxhash64;
  /** Resolves after so many ms, or when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Iterates a group until it is stopped. */
export class GroupLoop {
  readonly #group: RuleGroup;
  readonly #deps: GroupLoopDeps;
  readonly #stop = new AbortController();
  readonly #shutdown: AbortSignal;
  #running: Promise<void> = Promise.resolve();

  /** `shutdown` ends queries under way; `stop()` lets them finish. */
  constructor(group: RuleGroup, deps: GroupLoopDeps, shutdown: AbortSignal) {
    this.#group = group;
    this.#deps = deps;
    this.#shutdown = shutdown;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Waits for the iteration under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#group.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { now, sleep, hash } = this.#deps;
    const { intervalMs, spec } = this.#group;
    const ended = AbortSignal.any([this.#stop.signal, this.#shutdown]);
    const offsetMs = groupOffsetMs(spec.file, spec.name, intervalMs, hash);
    let timeMs = slotBefore(now(), offsetMs, intervalMs) + intervalMs;
    while (!ended.aborted) {
      const waitMs = timeMs - now();
      if (waitMs > 0) await sleep(waitMs, ended);
      if (ended.aborted) return;
      // A timer may be early by a fraction of a millisecond.
      if (now() < timeMs - 1) continue;
      await this.#group.iterate(timeMs, this.#shutdown);
      const missed: number[] = [];
      timeMs += intervalMs;
      for (; timeMs + intervalMs <= now(); timeMs += intervalMs) missed.push(timeMs);
      this.#group.missed(missed);
    }
  }
}
