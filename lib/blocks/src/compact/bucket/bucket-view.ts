// The compactor's view of a bucket: blocks after all filters, marks, duplicates, and what cannot be read.
import type { Log } from "@deucalion/base";
import type { Bucket } from "@deucalion/objstore";
import type { DiscoveryStrategy } from "../../fetch/block-lister.ts";
import { consistencyDelayFilter } from "../../fetch/consistency-delay-filter.ts";
import { DeletionMarkFilter } from "../../fetch/deletion-mark-filter.ts";
import { duplicateFilter } from "../../fetch/duplicate-filter.ts";
import { MetaFetcher, type MetaView } from "../../fetch/meta-fetcher.ts";
import type { MetaFilter } from "../../fetch/meta-filter.ts";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { type DeletionMark, noCompactMarkFile, noDownsampleMarkFile } from "../../meta/markers.ts";
import { readBlockMarks } from "./block-marks.ts";
import { type ReplicaLabelRemover, replicaLabelRemover } from "./replica-labels.ts";

export interface BucketViewOptions {
  readonly strategy: DiscoveryStrategy;
  readonly readsMax: number;
  readonly cacheDir: string | undefined;
  readonly consistencyDelayMs: number;
  readonly deleteDelayMs: number;
  readonly replicaLabels: readonly string[];
}

export interface BucketViewDeps {
  readonly bucket: Bucket;
  /** Run before all others: time partition, selection by labels. */
  readonly firstFilters: readonly MetaFilter[];
  readonly log: Log;
  readonly now: () => number;
}

/** What one look at the bucket gave. */
export interface BucketSnapshot {
  /** Blocks to work with, replica labels taken off. */
  readonly metas: ReadonlyMap<string, BlockMeta>;
  readonly view: MetaView;
  /** Marks of blocks that were looked at, also of those that are left out. */
  readonly deletionMarks: ReadonlyMap<string, DeletionMark>;
  /** Blocks whose data is in another block. */
  readonly duplicates: readonly string[];
  readonly noCompact: ReadonlyMap<string, string>;
  readonly noDownsample: ReadonlyMap<string, string>;
}

/** Looks at a bucket through the compactor's filters. */
export class BucketView {
  readonly #options: BucketViewOptions;
  readonly #deps: BucketViewDeps;
  readonly #fetcher: MetaFetcher;
  readonly #deletions: DeletionMarkFilter;
  readonly #replicas: ReplicaLabelRemover;
  #duplicates: string[] = [];

  constructor(options: BucketViewOptions, deps: BucketViewDeps) {
    this.#options = options;
    this.#deps = deps;
    const { bucket, log, now } = deps;
    const warn = (message: string): void => log.warn(message);
    // Half the delay: a block that was marked long ago may lack its replacement no more.
    this.#deletions = new DeletionMarkFilter(
      { delayMs: options.deleteDelayMs / 2, readsMax: options.readsMax },
      { bucket, now, warn },
    );
    this.#replicas = replicaLabelRemover(options.replicaLabels);
    const duplicates = duplicateFilter();
    const noted: MetaFilter = {
      filter: (metas, excluded, signal) => {
        this.#duplicates = [];
        return duplicates.filter(
          metas,
          (id, state) => {
            this.#duplicates.push(id);
            excluded(id, state);
          },
          signal,
        );
      },
    };
    const filters = [
      ...deps.firstFilters,
      consistencyDelayFilter(options.consistencyDelayMs, now),
      this.#deletions,
      this.#replicas,
      noted,
    ];
    this.#fetcher = new MetaFetcher(
      { strategy: options.strategy, readsMax: options.readsMax, cacheDir: options.cacheDir },
      { bucket, filters, log, now },
    );
  }

  /** Throws BLOCKS_LIST if the bucket cannot be listed. */
  async look(signal: AbortSignal): Promise<BucketSnapshot> {
    const { bucket, log } = this.#deps;
    const view = await this.#fetcher.fetch(signal);
    const warn = (message: string): void => log.warn(message);
    const { readsMax } = this.#options;
    const ids = [...view.metas.keys()];
    const [noCompact, noDownsample] = await Promise.all([
      readBlockMarks(bucket, ids, noCompactMarkFile, readsMax, warn, signal),
      readBlockMarks(bucket, ids, noDownsampleMarkFile, readsMax, warn, signal),
    ]);
    return {
      metas: view.metas,
      view,
      deletionMarks: this.#deletions.marks,
      duplicates: this.#duplicates,
      noCompact,
      noDownsample,
    };
  }

  /** Values of the replica labels that a block had. */
  replicaOf(id: string): string {
    return this.#replicas.replicaOf(id);
  }
}
