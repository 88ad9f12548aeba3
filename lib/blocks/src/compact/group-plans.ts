// Which blocks of a group are compacted next, and which are set aside instead.
import type { BlockMeta } from "../meta/block-meta.ts";
import { markNoCompact, noCompactMarkFile } from "../meta/markers.ts";
import type { CompactionGroup } from "../plan/compaction-group.ts";
import { simulated } from "../plan/compaction-plan.ts";
import { compareByMinTime, overlappingRun, planGroup } from "../plan/plan-group.ts";
import type { CompactorDeps, CompactorOptions } from "./compactor-options.ts";
import type { SourceBlockError } from "./merge/source-error.ts";
import type { Tally } from "./tally.ts";

/** Plans of groups; blocks that cannot be merged get their marks on the way. */
export class GroupPlans {
  readonly #options: CompactorOptions;
  readonly #deps: CompactorDeps;

  constructor(options: CompactorOptions, deps: CompactorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The next plan and those after it that do not need its result. */
  async next(
    group: CompactionGroup,
    excluded: Set<string>,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<(readonly BlockMeta[])[]> {
    const plans: (readonly BlockMeta[])[] = [];
    const pending = new Set<BlockMeta>();
    let ahead = group;
    while (plans.length < this.#options.plansAtOnce) {
      const plan = await this.#plan(ahead, excluded, tally, signal);
      if (plan.length === 0 || plan.some((block) => pending.has(block))) break;
      plans.push(plan);
      const result = simulated(plan, `pending/${plans.length}`);
      pending.add(result);
      ahead = withResult(ahead, plan, result);
    }
    return plans;
  }

  /** The next plan; blocks that would make it too large, or that cannot be merged, are marked on the way. */
  async #plan(
    group: CompactionGroup,
    excluded: Set<string>,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<readonly BlockMeta[]> {
    for (;;) {
      const plan = planGroup(group.blocks, this.#options.rangesMs, excluded);
      if (plan.length === 0) return plan;
      const tooLarge = await this.#tooLarge(plan, signal);
      if (tooLarge !== undefined) {
        const text = "sum of the index sizes of the blocks to compact exceeds the limit";
        tally.setAside.push(tooLarge.ulid);
        await this.#markNoCompact(tooLarge.ulid, "index-size-exceeding", text, excluded, signal);
        continue;
      }
      if (group.resolutionMs === 0 || overlappingRun(plan).length === 0) return plan;
      // Aggregates of overlapping blocks cannot be merged without their samples.
      for (const { ulid: id } of plan) {
        const reason = "downsample-vertical-compaction";
        tally.setAside.push(id);
        await this.#markNoCompact(id, reason, "downsampled blocks overlap", excluded, signal);
      }
    }
  }

  /** The block with the largest index, if the indexes of a plan are too large together. */
  async #tooLarge(plan: readonly BlockMeta[], signal: AbortSignal): Promise<BlockMeta | undefined> {
    let sum = 0;
    let largest = -1;
    let found: BlockMeta | undefined;
    for (const block of plan) {
      const file = block.thanos.files?.find(({ rel_path: path }) => path === "index");
      let size = file?.size_bytes ?? 0;
      if (size <= 0) {
        // A block without an index is found out when it is read.
        size = await this.#deps.bucket
          .attributes(`${block.ulid}/index`, signal)
          .then((attributes) => attributes.size)
          .catch(() => 0);
      }
      sum += size;
      if (size <= largest) continue;
      largest = size;
      found = block;
    }
    return sum >= Math.trunc(this.#options.indexBytesMax * 0.85) ? found : undefined;
  }

  /** Marks a block that is at fault, so that the group goes on without it. */
  async setAside(
    error: SourceBlockError,
    excluded: Set<string>,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    const { log } = this.#deps;
    log.warn("block is set aside: it is not compacted until its mark is removed", {
      block: error.block,
      reason: error.reason,
      err: error.message,
    });
    tally.setAside.push(error.block);
    await this.#markNoCompact(error.block, error.reason, error.message, excluded, signal);
  }

  async #markNoCompact(
    id: string,
    reason: string,
    details: string,
    excluded: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, now, events } = this.#deps;
    excluded.add(id);
    if (await markNoCompact(bucket, id, reason, details, now(), signal)) {
      events.marked(noCompactMarkFile, reason);
    }
  }
}

/** The group after a plan was carried out. */
export function withResult(
  group: CompactionGroup,
  plan: readonly BlockMeta[],
  result: BlockMeta | null,
): CompactionGroup {
  const gone = new Set(plan);
  const blocks = group.blocks.filter((block) => !gone.has(block));
  if (result !== null) blocks.push(result);
  return { ...group, blocks: blocks.sort(compareByMinTime) };
}
