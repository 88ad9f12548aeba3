// Puts a compactor together from options; the tools use parts of it.
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import {
  type BucketSnapshot,
  BucketView,
  type CompactionPlan,
  Compactor,
  claimSolo,
  createsConditionally,
  Leases,
  labelShardFilter,
  type MetaFilter,
  planAll,
  relabelSelected,
  timePartitionFilter,
  WorkerExecutor,
} from "@deucalion/blocks";
import { Labels } from "@deucalion/model";
import { type Bucket, parseBucketConfig } from "@deucalion/objstore";
import { ulid } from "ulid";
import { parse } from "yaml";
import { resolveTime } from "../flags/time-or-duration.ts";
import type { AppProcess } from "../process/app-process.ts";
import { openConfiguredBucket } from "../store/open-bucket.ts";
import { selectorRelabel } from "../store/selector.ts";
import type { CompactMetrics } from "./compact-metrics.ts";
import type { CompactOptions } from "./options.ts";

/** A lease that was silent for so long may be taken by another instance. */
const leaseTtlMs = 60_000;

/** Cores that are used at most; each merge takes memory of its own. */
const coresMax = 4;
/** Chunks that make a thread more for one merge worth while: some 1.5 s of work; to begin takes 0.5. */
const partChunksMin = 3_000_000;
/** Series of all sources times threads of a merge; keeps it below 1 GiB. */
const partSeriesMax = 3_000_000;

export interface Compaction {
  readonly bucket: Bucket;
  readonly compactor: Compactor;
  /** Looks at the bucket beside the rounds. */
  readonly view: BucketView;
  readonly plan: (snapshot: BucketSnapshot) => CompactionPlan;
  /** To be called before any work: throws BLOCKS_LEASE where another instance lives and the store cannot be shared. */
  readonly claim: (signal: AbortSignal) => Promise<() => Promise<void>>;
  /** Ends the threads and gives the bucket back. */
  readonly close: () => Promise<void>;
}

/** Selection by labels, as if blocks had no replica labels. */
function shardFilter(config: string, replicaLabels: readonly string[]): MetaFilter {
  const rules = selectorRelabel(config);
  if (replicaLabels.length === 0) return labelShardFilter(rules);
  const without = new Set(replicaLabels);
  return {
    filter(metas, excluded) {
      if (rules.length === 0) return;
      for (const [id, meta] of metas) {
        const labels = Labels.from({ ...meta.thanos.labels, __block_id: id }).drop(without);
        if (relabelSelected(labels, rules) !== null) continue;
        metas.delete(id);
        excluded(id, "label-excluded");
      }
    },
  };
}

/** Opens the bucket and makes the compactor. Throws APP_CONFIG. */
export function openCompaction(
  options: CompactOptions,
  app: AppProcess,
  metrics: CompactMetrics,
  looked: (snapshot: BucketSnapshot) => void,
): Compaction {
  const { log, now } = app;
  const bucket = openConfiguredBucket(options.bucketConfig, app.registry, {
    component: app.component,
    log,
    source: options.bucketConfigSource,
  });
  const makeView = (cacheDir: string | undefined): BucketView =>
    new BucketView(
      {
        strategy: options.discovery,
        readsMax: options.metaFetchConcurrency,
        cacheDir,
        consistencyDelayMs: options.consistencyDelayMs,
        deleteDelayMs: options.deleteDelayMs,
        replicaLabels: options.replicaLabels,
      },
      {
        bucket,
        firstFilters: [
          timePartitionFilter(
            () => resolveTime(options.minTime, now()),
            () => resolveTime(options.maxTime, now()),
          ),
          shardFilter(options.selectorRelabelConfig, options.replicaLabels),
        ],
        log,
        now,
      },
    );
  const owner = `${hostname()}/${process.pid}/${ulid()}`;
  const makeLeases = (): Leases => new Leases({ owner, ttlMs: leaseTtlMs }, { bucket, now, log });
  // Known for sure of some stores; others are asked when the bucket is claimed.
  let leases = bucket.conditionalCreate ? makeLeases() : null;
  const claim = async (signal: AbortSignal): Promise<() => Promise<void>> => {
    if (leases === null && (await createsConditionally(bucket, log, signal))) leases = makeLeases();
    if (leases !== null) return () => Promise.resolve();
    return claimSolo(ulid(), leaseTtlMs, { bucket, now, log }, signal);
  };
  const cores = Math.min(coresMax, availableParallelism());
  const threads = Math.max(cores, options.groupsConcurrency, options.downsampleConcurrency);
  // A thread takes time and memory to begin with; all that this one is good for beside the work is that HTTP stays quick.
  const here = options.wait ? null : bucket;
  const executor = new WorkerExecutor(
    parseBucketConfig(parse(options.bucketConfig)),
    threads,
    here,
  );
  const compactor = new Compactor(
    {
      rangesMs: options.rangesMs,
      dedup: options.dedup,
      vertical: options.vertical,
      haltOnError: options.haltOnError,
      acceptMalformedIndex: options.acceptMalformedIndex,
      skipOutOfOrderChunks: options.skipOutOfOrderChunks,
      indexBytesMax: options.indexBytesMax,
      groupsAtOnce: options.groupsConcurrency,
      // One more than there are threads: its upload goes on while they work.
      plansAtOnce: Math.max(1, Math.floor(cores / options.groupsConcurrency)) + 1,
      downsampling: options.downsampling,
      split: { partsMax: cores, chunksMin: partChunksMin, seriesMax: partSeriesMax },
      // One block needs little memory, so no core is left idle.
      downsamplesAtOnce: Math.max(cores, options.downsampleConcurrency) + 1,
      retention: options.retention,
      deleteDelayMs: options.deleteDelayMs,
      upload: { hash: options.hash, filesAtOnce: options.filesConcurrency },
      workDir: join(options.dataDir, "compact"),
    },
    {
      bucket,
      view: makeView(join(options.dataDir, "meta-syncer")),
      executor,
      get leases() {
        return leases;
      },
      events: metrics,
      log,
      now,
      looked,
    },
  );
  const plan = (snapshot: BucketSnapshot): CompactionPlan =>
    planAll({
      metas: snapshot.metas.values(),
      noCompact: snapshot.noCompact,
      noDownsample: snapshot.noDownsample,
      deleted: new Map(
        [...snapshot.deletionMarks].map(([id, mark]) => [id, mark.deletion_time * 1000]),
      ),
      unreadable: snapshot.view.unreadable,
      rangesMs: options.rangesMs,
      retention: options.retention,
      deleteDelayMs: options.deleteDelayMs,
      downsampling: options.downsampling,
    });
  const close = async (): Promise<void> => {
    await executor.close();
    await bucket.close();
  };
  return { bucket, compactor, view: makeView(undefined), plan, claim, close };
}
