// Leaves out blocks that were marked for deletion long enough ago.
import type { Bucket } from "@deucalion/objstore";
import { eachLimited } from "../each-limited.ts";
import type { BlockMeta } from "../meta/block-meta.ts";
import { type DeletionMark, deletionMarkFile, readDeletionMark } from "../meta/markers.ts";
import type { BlockListing } from "./block-lister.ts";
import type { BlockState, MetaFilter } from "./meta-filter.ts";

export interface DeletionMarkFilterOptions {
  /** Blocks marked longer ago than this are left out. */
  readonly delayMs: number;
  /** Marks read at once. */
  readonly readsMax: number;
}

export interface DeletionMarkFilterDeps {
  readonly bucket: Bucket;
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/** `marks` holds what the last run found, also of blocks that it kept. */
export class DeletionMarkFilter implements MetaFilter {
  readonly #options: DeletionMarkFilterOptions;
  readonly #deps: DeletionMarkFilterDeps;
  marks: ReadonlyMap<string, DeletionMark> = new Map();
  #read: ReadonlyMap<string, { mark: DeletionMark; atMs: number }> = new Map();

  constructor(options: DeletionMarkFilterOptions, deps: DeletionMarkFilterDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async filter(
    metas: Map<string, BlockMeta>,
    excluded: (id: string, state: BlockState) => void,
    signal: AbortSignal,
    listing?: BlockListing,
  ): Promise<void> {
    const { bucket, now, warn } = this.#deps;
    const found = new Map<string, DeletionMark>();
    const read = new Map<string, { mark: DeletionMark; atMs: number }>();
    const shown = listing?.marks;
    const ids = [...metas.keys()].filter((id) => shown?.get(id)?.has(deletionMarkFile) ?? !shown);
    await eachLimited(ids, this.#options.readsMax, async (id) => {
      const atMs = shown?.get(id)?.get(deletionMarkFile) ?? 0;
      const before = this.#read.get(id);
      // A mark that the listing shows unchanged is not read again.
      const same = atMs !== 0 && before?.atMs === atMs ? before.mark : undefined;
      const mark = same ?? (await readDeletionMark(bucket, id, warn, signal));
      if (mark === undefined) return;
      found.set(id, mark);
      read.set(id, { mark, atMs });
      if (now() - mark.deletion_time * 1000 <= this.#options.delayMs) return;
      metas.delete(id);
      excluded(id, "marked-for-deletion");
    });
    this.marks = found;
    this.#read = read;
  }
}
