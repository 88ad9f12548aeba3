// All groups of rules: each in its own rhythm, changed while it runs.

import type { Xxhash64 } from "@deucalion/kernels";
import type { Labels } from "@deucalion/model";
import { compareStrings } from "@deucalion/model";
import type { RuleGroupDeps, RuleGroupOptions } from "../deps.ts";
import type { RuleGroupSpec } from "../spec.ts";
import { carryState, diffGroups } from "./carry-state.ts";
import { EvaluationSlots } from "./evaluation-slots.ts";
import { GroupLoop } from "./group-loop.ts";
import { RuleGroup } from "./rule-group.ts";

export interface RuleManagerDeps extends RuleGroupDeps {
  readonly hash: Xxhash64;
  /** Resolves after so many ms, or when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Runs groups. `update` may be called before and after `start`; nothing is evaluated before `start`. */
export class RuleManager {
  readonly #deps: RuleManagerDeps;
  readonly #options: RuleGroupOptions;
  readonly #slots: EvaluationSlots;
  readonly #loops = new Map<RuleGroup, GroupLoop>();
  readonly #stop = new AbortController();
  /** Work that outlives its group: stale markers that wait. */
  readonly #late = new Set<Promise<void>>();
  #groups: readonly RuleGroup[] = [];
  #started = false;

  constructor(deps: RuleManagerDeps, options: RuleGroupOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#slots = new EvaluationSlots(options.concurrentEvaluations);
  }

  /** All groups, in order of file and name. */
  get groups(): readonly RuleGroup[] {
    return this.#groups;
  }

  start(): void {
    if (this.#started || this.#stop.signal.aborted) return;
    this.#started = true;
    for (const group of this.#groups) this.#run(group);
  }

  /** Ends queries under way and waits for all groups. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#loops.values()].map((loop) => loop.stop()));
    await Promise.all(this.#late);
  }

  /**
   * Replaces all groups. Those that say what they said go on untouched. Of the others the evaluations under way are
   * awaited, then state is carried over by the rules' identity. Not to be called while another call is under way.
   */
  async update(specs: readonly RuleGroupSpec[]): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { kept, added, removed } = diffGroups(this.#groups, specs);
    await Promise.all(removed.map((group) => this.#loops.get(group)?.stop()));
    for (const group of removed) this.#loops.delete(group);
    const fresh = added.map((spec) => new RuleGroup(spec, this.#deps, this.#options, this.#slots));
    const orphans = carryState(removed, fresh);
    this.#announce(removed, fresh);
    this.#groups = [...kept, ...fresh].sort(
      (a, b) =>
        compareStrings(a.spec.file, b.spec.file) || compareStrings(a.spec.name, b.spec.name),
    );
    const successors = new Map(fresh.map((group) => [group.key, group]));
    for (const [group, series] of orphans) {
      const successor = successors.get(group.key);
      if (successor === undefined) this.#markStaleLater(group, series);
      else successor.staleSeries.push(...series);
    }
    if (this.#started) for (const group of fresh) this.#run(group);
  }

  #announce(removed: readonly RuleGroup[], fresh: readonly RuleGroup[]): void {
    const { metrics } = this.#deps;
    const present = new Set(fresh.map(({ key }) => key));
    for (const { key } of removed) if (!present.has(key)) metrics?.groupRemoved?.(key);
    for (const { key, rules, intervalMs } of fresh)
      metrics?.groupAdded?.(key, rules.length, intervalMs);
  }

  #run(group: RuleGroup): void {
    const loop = new GroupLoop(group, this.#deps, this.#stop.signal);
    this.#loops.set(group, loop);
    loop.start();
  }

  /** Two intervals later, so that a rule which goes on with the series under another name has begun. */
  #markStaleLater(group: RuleGroup, series: Labels[]): void {
    const stoppedMs = this.#deps.now();
    group.staleSeries = series;
    const { signal } = this.#stop;
    const work = this.#deps.sleep(2 * group.intervalMs, signal).then(async () => {
      if (!signal.aborted) await group.markStale(stoppedMs, signal);
    });
    this.#late.add(work);
    work.finally(() => this.#late.delete(work)).catch(() => undefined);
  }
}
