// What a compactor is told, and what it works with.
import type { Log } from "@deucalion/base";
import type { Bucket } from "@deucalion/objstore";
import type { Retention } from "../plan/plan-retention.ts";
import type { BlockExecutor } from "./block-executor.ts";
import type { BucketSnapshot, BucketView } from "./bucket/bucket-view.ts";
import type { Leases } from "./bucket/leases.ts";
import type { UploadBlockOptions } from "./bucket/upload-block.ts";
import type { CompactorEvents } from "./compactor-events.ts";
import type { CompactionDedup } from "./merge/merge-chunks.ts";

/** When one merge is worked on by several threads. */
export interface MergeSplit {
  readonly partsMax: number;
  /** Chunks that a part has at least; those that overlap count several times. */
  readonly chunksMin: number;
  /** Series of all sources times parts, at most: each part holds the symbols of all. */
  readonly seriesMax: number;
}

export interface CompactorOptions {
  readonly rangesMs: readonly number[];
  readonly dedup: CompactionDedup;
  /** Merge blocks that overlap. Off only together with `haltOnError`, as overlaps stop everything then. */
  readonly vertical: boolean;
  /** Thanos' way: stop at the first error that needs a person. */
  readonly haltOnError: boolean;
  readonly acceptMalformedIndex: boolean;
  readonly skipOutOfOrderChunks: boolean;
  /** Sum of the sources' index sizes, in bytes, that a new block may come of, before 15 % of safety. */
  readonly indexBytesMax: number;
  readonly groupsAtOnce: number;
  /** Plans of one group that do not need each other's results run at once. */
  readonly plansAtOnce: number;
  /** Absent: merges are not split. */
  readonly split?: MergeSplit;
  readonly downsampling: boolean;
  readonly downsamplesAtOnce: number;
  readonly retention: Retention;
  readonly deleteDelayMs: number;
  readonly upload: UploadBlockOptions;
  /** Folder for blocks being worked on; emptied. */
  readonly workDir: string;
}

export interface CompactorDeps {
  readonly bucket: Bucket;
  readonly view: BucketView;
  readonly executor: BlockExecutor;
  /** `null` where this is the only instance for sure. */
  readonly leases: Leases | null;
  readonly events: CompactorEvents;
  readonly log: Log;
  readonly now: () => number;
  /** Told of every look at the bucket. */
  readonly looked?: (snapshot: BucketSnapshot) => void;
}
