// What filters of block metas have in common.
import type { BlockMeta } from "../meta/block-meta.ts";
import type { BlockListing } from "./block-lister.ts";

/** Why a block is not in the view; the label values of `thanos_blocks_meta_synced`. */
export type BlockState =
  | "corrupted-meta-json"
  | "no-meta-json"
  | "loaded"
  | "too-fresh"
  | "failed"
  | "label-excluded"
  | "time-excluded"
  | "duplicate"
  | "marked-for-deletion"
  | "marked-for-no-compact"
  | "parquet-converted";

/** Removes blocks from `metas`, telling `excluded` why. `listing` is what the bucket showed, where it was listed. */
export interface MetaFilter {
  filter(
    metas: Map<string, BlockMeta>,
    excluded: (id: string, state: BlockState) => void,
    signal: AbortSignal,
    listing?: BlockListing,
  ): Promise<void> | void;
}
