// Compacting one group: plan after plan, until there are none; what fails does not stop the rest.
import { messageOf } from "@deucalion/base";
import { BlocksError } from "../errors.ts";
import type { BlockMeta } from "../meta/block-meta.ts";
import { type CompactionGroup, describeGroup } from "../plan/compaction-group.ts";
import { overlappingRun } from "../plan/plan-group.ts";
import type { Lease } from "./bucket/leases.ts";
import type { CompactorDeps, CompactorOptions } from "./compactor-options.ts";
import { GroupPlans, withResult } from "./group-plans.ts";
import { CompactionHalt } from "./halt.ts";
import { SourceBlockError } from "./merge/source-error.ts";
import { PlanCompaction } from "./plan-compaction.ts";
import type { Tally } from "./tally.ts";

/** Runs the plans of groups. */
export class GroupCompaction {
  readonly #options: CompactorOptions;
  readonly #deps: CompactorDeps;
  readonly #plans: GroupPlans;
  readonly #compaction: PlanCompaction;

  constructor(options: CompactorOptions, deps: CompactorDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#plans = new GroupPlans(options, deps);
    this.#compaction = new PlanCompaction(options, deps);
  }

  /** Runs the plans of one group until there are no more. */
  async run(
    group: CompactionGroup,
    excluded: Set<string>,
    mine: ReadonlyMap<string, Lease | null>,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    const { events, log } = this.#deps;
    const name = describeGroup(group);
    const failed = (thrown: unknown): void => {
      signal.throwIfAborted();
      if (this.#options.haltOnError) throw haltOf(thrown, name);
      log.error("compacting a group failed; it is tried again", {
        group: name,
        err: messageOf(thrown),
      });
      tally.failures.push(`group ${name}: ${messageOf(thrown)}`);
    };
    let current = group;
    for (;;) {
      signal.throwIfAborted();
      this.#checkOverlaps(current);
      let plans: readonly (readonly BlockMeta[])[];
      try {
        plans = await this.#plans.next(current, excluded, tally, signal);
      } catch (thrown) {
        failed(thrown);
        return;
      }
      if (plans.length === 0) return;
      const lease = mine.get(group.key) ?? null;
      const outcomes = await Promise.allSettled(
        plans.map((plan) => this.#compaction.run(current, plan, lease, signal)),
      );
      let stop = false;
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.status === "fulfilled") {
          current = withResult(current, plans[i]!, outcome.value);
          if (outcome.value !== null) tally.compactions++;
          continue;
        }
        events.runFailed(group.resolutionMs);
        const thrown: unknown = outcome.reason;
        if (thrown instanceof SourceBlockError && thrown.block !== "" && this.#mayGoOn(thrown)) {
          await this.#plans.setAside(thrown, excluded, tally, signal);
        } else {
          failed(thrown);
          stop = true;
        }
      }
      if (stop) return;
    }
  }

  #checkOverlaps(group: CompactionGroup): void {
    if (this.#options.vertical || overlappingRun(group.blocks).length === 0) return;
    const ids = overlappingRun(group.blocks).map((block) => block.ulid);
    throw new CompactionHalt(`pre compaction overlap check: overlaps found: ${ids.join(", ")}`);
  }

  /** Thanos goes on after out-of-order chunks if it is told to; all else stops it. */
  #mayGoOn(error: SourceBlockError): boolean {
    if (!this.#options.haltOnError) return true;
    const outOfOrder = error.reason === "block-index-out-of-order-chunk";
    return outOfOrder && this.#options.skipOutOfOrderChunks;
  }
}

function haltOf(thrown: unknown, group: string): unknown {
  const damaged = thrown instanceof SourceBlockError || thrown instanceof BlocksError;
  if (!damaged || thrown instanceof CompactionHalt) return thrown;
  return new CompactionHalt(`group ${group}: ${thrown.message}`, { cause: thrown });
}
