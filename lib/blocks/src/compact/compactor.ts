// One round of compaction over a bucket: what a cron job or a loop runs again and again.
import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { ulid } from "ulid";
import { eachLimited } from "../each-limited.ts";
import { BlocksError } from "../errors.ts";
import type { BlockMeta } from "../meta/block-meta.ts";
import { deletionMarkFile, markNoCompact, noCompactMarkFile } from "../meta/markers.ts";
import { type CompactionGroup, compactionGroups, describeGroup } from "../plan/compaction-group.ts";
import { simulated } from "../plan/compaction-plan.ts";
import { type DownsampleStep, planDownsampling } from "../plan/plan-downsample.ts";
import { compareByMinTime, overlappingRun, planGroup } from "../plan/plan-group.ts";
import { retireBlock } from "./bucket/block-marks.ts";
import type { BucketSnapshot } from "./bucket/bucket-view.ts";
import {
  applyRetention,
  type CleanDeps,
  cleanPartialUploads,
  deleteMarkedBlocks,
} from "./bucket/clean-bucket.ts";
import type { Lease } from "./bucket/leases.ts";
import { uploadBlock } from "./bucket/upload-block.ts";
import type { CompactorDeps, CompactorOptions } from "./compactor-options.ts";
import { DownsampleSteps } from "./downsample-steps.ts";
import { CompactionHalt } from "./halt.ts";
import { SourceBlockError } from "./merge/source-error.ts";
import { compactedMeta, segmentNamesOf } from "./result-meta.ts";
import type { Tally } from "./tally.ts";

/** How a round went. */
export interface RoundResult {
  /** Work that failed for reasons that may pass; it is tried again in the next round. */
  readonly failures: readonly string[];
  readonly compactions: number;
  readonly downsamplings: number;
  /** Blocks that were set aside in this round. */
  readonly setAside: readonly string[];
  /** Groups that another instance works on. */
  readonly leased: readonly string[];
}

/** Compacts, downsamples, applies retention and cleans. */
export class Compactor {
  readonly #options: CompactorOptions;
  readonly #deps: CompactorDeps;
  readonly #clean: CleanDeps;
  readonly #steps: DownsampleSteps;

  constructor(options: CompactorOptions, deps: CompactorDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#clean = deps;
    this.#steps = new DownsampleSteps(options, deps);
  }

  /**
   * One round. Throws CompactionHalt where `haltOnError` asks for it, BLOCKS_LIST where the bucket cannot be read;
   * everything else that fails is in the result, and the rest goes on.
   */
  async round(signal: AbortSignal): Promise<RoundResult> {
    const tally: Tally = {
      failures: [],
      compactions: 0,
      downsamplings: 0,
      setAside: [],
      leased: [],
    };
    const { workDir, downsampling, retention, deleteDelayMs } = this.#options;
    await rm(workDir, { recursive: true, force: true });
    await mkdir(workDir, { recursive: true });
    const leases = new Map<string, Lease>();
    try {
      await this.#compactAll(leases, tally, signal);
      if (downsampling) {
        // Twice, so that what the first pass makes at five minutes is there for one hour.
        await this.#downsampleAll(leases, tally, signal);
        await this.#downsampleAll(leases, tally, signal);
      }
      const last = await this.look(signal);
      await applyRetention(last.metas.values(), retention, this.#clean, signal);
      await cleanPartialUploads(last, deleteDelayMs, this.#clean, signal);
      await this.#deps.leases?.sweep(signal);
    } finally {
      for (const lease of leases.values()) await lease.release();
      await rm(workDir, { recursive: true, force: true });
    }
    return tally;
  }

  /** Both passes of downsampling and nothing else. */
  async downsampleRound(signal: AbortSignal): Promise<RoundResult> {
    const tally: Tally = {
      failures: [],
      compactions: 0,
      downsamplings: 0,
      setAside: [],
      leased: [],
    };
    const { workDir } = this.#options;
    const leases = new Map<string, Lease>();
    try {
      await mkdir(workDir, { recursive: true });
      await this.#downsampleAll(leases, tally, signal);
      await this.#downsampleAll(leases, tally, signal);
    } finally {
      for (const lease of leases.values()) await lease.release();
      await rm(workDir, { recursive: true, force: true });
    }
    return tally;
  }

  /** Looks at the bucket. Throws where the view is incomplete, since a plan could leave a gap then. */
  async look(signal: AbortSignal): Promise<BucketSnapshot> {
    const snapshot = await this.#deps.view.look(signal);
    this.#deps.looked?.(snapshot);
    if (!snapshot.view.incomplete) return snapshot;
    throw new BlocksError("BLOCKS_LIST", "incomplete view: some meta.json could not be read", {
      blocks: [...snapshot.view.unreadable.keys()],
    });
  }

  async #compactAll(leases: Map<string, Lease>, tally: Tally, signal: AbortSignal): Promise<void> {
    let snapshot = await this.look(signal);
    const deleted = await deleteMarkedBlocks(
      snapshot,
      this.#options.deleteDelayMs,
      this.#clean,
      signal,
    );
    await this.#collectGarbage(snapshot, deleted, signal);
    const groups = (): CompactionGroup[] =>
      compactionGroups(snapshot.metas.values()).filter(({ blocks }) => blocks.length > 1);
    const excluded = new Set(snapshot.noCompact.keys());
    const wanted = groups().filter(
      ({ blocks }) => planGroup(blocks, this.#options.rangesMs, excluded).length > 0,
    );
    if (wanted.length === 0) return;
    const mine = await this.#acquire(
      wanted.map(({ key }) => key),
      leases,
      tally,
      signal,
    );
    // Another instance may have worked on these groups until now.
    if (this.#deps.leases !== null) snapshot = await this.look(signal);
    const todo = groups().filter(({ key }) => mine.has(key));
    await eachLimited(todo, this.#options.groupsAtOnce, (group) =>
      this.#compactGroup(group, new Set(snapshot.noCompact.keys()), mine, tally, signal),
    );
  }

  async #acquire(
    keys: readonly string[],
    held: Map<string, Lease>,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<Map<string, Lease | null>> {
    const mine = new Map<string, Lease | null>();
    for (const key of keys) {
      if (this.#deps.leases === null) {
        mine.set(key, null);
        continue;
      }
      const lease = held.get(key) ?? (await this.#deps.leases.tryAcquire(key, signal));
      if (lease === undefined) {
        if (!tally.leased.includes(key)) tally.leased.push(key);
        this.#deps.log.info("another instance works on the group", { group: key });
        continue;
      }
      held.set(key, lease);
      mine.set(key, lease);
    }
    return mine;
  }

  async #collectGarbage(
    snapshot: BucketSnapshot,
    deleted: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, events, log, now } = this.#deps;
    const begun = now();
    let count = 0;
    for (const id of snapshot.duplicates) {
      if (snapshot.deletionMarks.has(id) || deleted.has(id)) continue;
      log.info("marking outdated block for deletion", { block: id });
      try {
        if (!(await retireBlock(bucket, id, "outdated block", now(), signal))) continue;
        events.marked(deletionMarkFile, "");
        count++;
      } catch (thrown) {
        signal.throwIfAborted();
        events.garbageCollectionFailed();
        log.error("marking an outdated block failed", { block: id, err: messageOf(thrown) });
      }
    }
    events.garbageCollected(count, (now() - begun) / 1000);
  }

  /** Runs the plans of one group until there are no more. */
  async #compactGroup(
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
        plans = await this.#plans(current, excluded, tally, signal);
      } catch (thrown) {
        failed(thrown);
        return;
      }
      if (plans.length === 0) return;
      const lease = mine.get(group.key) ?? null;
      const outcomes = await Promise.allSettled(
        plans.map((plan) => this.#compactPlan(current, plan, lease, signal)),
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
          await this.#setAside(thrown, excluded, tally, signal);
        } else {
          failed(thrown);
          stop = true;
        }
      }
      if (stop) return;
    }
  }

  /** The next plan and those after it that do not need its result. */
  async #plans(
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

  async #setAside(
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

  /** Makes one block of `plan`, checks it, uploads it and marks the sources. `null` if nothing was left to write. */
  async #compactPlan(
    group: CompactionGroup,
    plan: readonly BlockMeta[],
    lease: Lease | null,
    signal: AbortSignal,
  ): Promise<BlockMeta | null> {
    const { bucket, executor, log, events, now, view } = this.#deps;
    const { dedup, acceptMalformedIndex, upload } = this.#options;
    const begun = now();
    events.runStarted(group.resolutionMs);
    const ids = plan.map((block) => block.ulid);
    const vertical = overlappingRun(plan).length > 0;
    log.info("compaction available and planned", { group: describeGroup(group), plan: ids });
    const id = ulid(now());
    const dir = join(this.#options.workDir, folderOf(group.key), id);
    const replicas = plan.map((block) => view.replicaOf(block.ulid));
    try {
      const options = { dedup, acceptMalformedIndex, replicas };
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

  async #downsampleAll(
    leases: Map<string, Lease>,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    let snapshot = await this.look(signal);
    const steps = (): DownsampleStep[] =>
      planDownsampling(snapshot.metas.values(), snapshot.noDownsample);
    const keyOf = ({ source, resolutionMs }: DownsampleStep): string =>
      `${resolutionMs}<${compactionGroups([source])[0]!.key}`;
    const first = steps();
    if (first.length === 0) return;
    const mine = await this.#acquire([...new Set(first.map(keyOf))], leases, tally, signal);
    if (this.#deps.leases !== null) snapshot = await this.look(signal);
    const todo = steps().filter((step) => mine.has(keyOf(step)));
    await eachLimited(todo, this.#options.downsamplesAtOnce, (step) =>
      this.#steps.run(step, mine.get(keyOf(step)) ?? null, tally, signal),
    );
  }
}

/** The group after a plan was carried out. */
function withResult(
  group: CompactionGroup,
  plan: readonly BlockMeta[],
  result: BlockMeta | null,
): CompactionGroup {
  const gone = new Set(plan);
  const blocks = group.blocks.filter((block) => !gone.has(block));
  if (result !== null) blocks.push(result);
  return { ...group, blocks: blocks.sort(compareByMinTime) };
}

function isEmpty(block: BlockMeta): boolean {
  return (block.stats.numSamples ?? 0) === 0;
}

function folderOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 16);
}

function haltOf(thrown: unknown, group: string): unknown {
  const damaged = thrown instanceof SourceBlockError || thrown instanceof BlocksError;
  if (!damaged || thrown instanceof CompactionHalt) return thrown;
  return new CompactionHalt(`group ${group}: ${thrown.message}`, { cause: thrown });
}
