// One round of compaction over a bucket: what a cron job or a loop runs again and again.
import { mkdir, rm } from "node:fs/promises";
import { messageOf } from "@deucalion/base";
import { eachLimited } from "../each-limited.ts";
import { BlocksError } from "../errors.ts";
import { deletionMarkFile } from "../meta/markers.ts";
import { type CompactionGroup, compactionGroups } from "../plan/compaction-group.ts";
import { type DownsampleStep, planDownsampling } from "../plan/plan-downsample.ts";
import { planGroup } from "../plan/plan-group.ts";
import { retireBlock } from "./bucket/block-marks.ts";
import type { BucketSnapshot } from "./bucket/bucket-view.ts";
import {
  applyRetention,
  type CleanDeps,
  cleanPartialUploads,
  deleteMarkedBlocks,
} from "./bucket/clean-bucket.ts";
import type { Lease } from "./bucket/leases.ts";
import type { CompactorDeps, CompactorOptions } from "./compactor-options.ts";
import { DownsampleSteps } from "./downsample-steps.ts";
import { GroupCompaction } from "./group-compaction.ts";
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
  readonly #groups: GroupCompaction;
  readonly #steps: DownsampleSteps;

  constructor(options: CompactorOptions, deps: CompactorDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#clean = deps;
    this.#groups = new GroupCompaction(options, deps);
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
      this.#groups.run(group, new Set(snapshot.noCompact.keys()), mine, tally, signal),
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
