// Compacting one plan: make, read back, upload, mark the sources.
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ulid } from "ulid";
import type { BlockMeta } from "../meta/block-meta.ts";
import { deletionMarkFile } from "../meta/markers.ts";
import { type CompactionGroup, describeGroup } from "../plan/compaction-group.ts";
import { overlappingRun } from "../plan/plan-group.ts";
import { retireBlock } from "./bucket/block-marks.ts";
import type { Lease } from "./bucket/leases.ts";
import { uploadBlock } from "./bucket/upload-block.ts";
import type { CompactorDeps, CompactorOptions, MergeSplit } from "./compactor-options.ts";
import { compactedMeta, segmentNamesOf } from "./result-meta.ts";

/** Carries plans out. */
export class PlanCompaction {
  readonly #options: CompactorOptions;
  readonly #deps: CompactorDeps;

  constructor(options: CompactorOptions, deps: CompactorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Makes one block of `plan`, checks it, uploads it and marks the sources. `null` if nothing was left to write. */
  async run(
    group: CompactionGroup,
    plan: readonly BlockMeta[],
    lease: Lease | null,
    signal: AbortSignal,
  ): Promise<BlockMeta | null> {
    const { bucket, executor, log, events, now, view } = this.#deps;
    const { dedup, acceptMalformedIndex, upload, split } = this.#options;
    const begun = now();
    events.runStarted(group.resolutionMs);
    const ids = plan.map((block) => block.ulid);
    const vertical = overlappingRun(plan).length > 0;
    log.info("compaction available and planned", { group: describeGroup(group), plan: ids });
    const id = ulid(now());
    const dir = join(this.#options.workDir, folderOf(group.key), id);
    const replicas = plan.map((block) => view.replicaOf(block.ulid));
    try {
      const parts = partsOf(plan, vertical, split);
      const options = { dedup, acceptMalformedIndex, replicas, parts };
      const merged = await executor.run({ kind: "merge", sources: plan, dir, options }, signal);
      if ((merged.stats.numSamples ?? 0) === 0) {
        log.info("no samples are left of the sources", { plan: ids });
        await this.#markSources(plan.filter(isEmpty), lease, signal);
        events.runCompleted(group.resolutionMs);
        return null;
      }
      const meta = compactedMeta(id, group, plan, merged.stats, segmentNamesOf(merged));
      const content = await executor.run({ kind: "verify", meta, dir, written: merged }, signal);
      const complete = { ...meta, thanos: { ...meta.thanos, index_stats: content.indexStats } };
      const commit = async (): Promise<void> => lease?.check(signal);
      const result = await uploadBlock(bucket, dir, complete, upload, now(), commit, signal);
      events.compacted(group.resolutionMs, vertical, merged.counts);
      if (merged.counts.conflicts > 0) {
        log.warn("sources had different values at the same time; one was kept", {
          block: id,
          timestamps: merged.counts.conflicts,
        });
      }
      await this.#markSources(plan, lease, signal);
      events.runCompleted(group.resolutionMs);
      log.info("finished compacting blocks", {
        result_block: id,
        source_blocks: ids,
        duration_ms: now() - begun,
        overlapping_blocks: vertical,
      });
      return result;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  async #markSources(
    plan: readonly BlockMeta[],
    lease: Lease | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, events, now, log } = this.#deps;
    await lease?.check(signal);
    for (const { ulid: id } of plan) {
      log.info("marking compacted block for deletion", { old_block: id });
      if (await retireBlock(bucket, id, "source of compacted block", now(), signal)) {
        events.marked(deletionMarkFile, "");
      }
    }
  }
}

/** What a chunk that is decoded and encoded costs, in chunks that are copied. */
const overlapWeight = 20;

/** In how many parts a merge is done, if there are threads for them. */
function partsOf(
  plan: readonly BlockMeta[],
  vertical: boolean,
  split: MergeSplit | undefined,
): number {
  if (split === undefined) return 1;
  let chunks = 0;
  let series = 0;
  for (const { stats } of plan) {
    chunks += stats.numChunks ?? 0;
    series += stats.numSeries ?? 0;
  }
  const weight = vertical ? overlapWeight * chunks : chunks;
  const byWork = Math.floor(weight / split.chunksMin);
  const byMemory = Math.floor(split.seriesMax / Math.max(1, series));
  return Math.max(1, Math.min(split.partsMax, byWork, byMemory));
}

function isEmpty(block: BlockMeta): boolean {
  return (block.stats.numSamples ?? 0) === 0;
}

function folderOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 16);
}
