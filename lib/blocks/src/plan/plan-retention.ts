// When retention ends the life of a block.
import type { BlockMeta } from "../meta/block-meta.ts";
import { resolutionsMs } from "./compaction-ranges.ts";

/** Milliseconds to keep data of each resolution; 0 is for ever. */
export interface Retention {
  readonly rawMs: number;
  readonly fiveMinutesMs: number;
  readonly oneHourMs: number;
}

/** How long data of a resolution is kept, in ms; 0 for ever. */
export function retentionOf(retention: Retention, resolutionMs: number): number {
  switch (resolutionMs) {
    case resolutionsMs.raw:
      return retention.rawMs;
    case resolutionsMs.fiveMinutes:
      return retention.fiveMinutesMs;
    case resolutionsMs.oneHour:
      return retention.oneHourMs;
    default:
      return 0;
  }
}

/** When the block is due to be deleted, ms; undefined for never. */
export function retentionEnd(meta: BlockMeta, retention: Retention): number | undefined {
  const keepMs = retentionOf(retention, meta.thanos.downsample.resolution);
  return keepMs === 0 ? undefined : Math.trunc(meta.maxTime / 1000) * 1000 + keepMs;
}

/** Blocks whose time is over. */
export function planRetention(
  metas: Iterable<BlockMeta>,
  retention: Retention,
  nowMs: number,
): BlockMeta[] {
  return [...metas].filter((meta) => {
    const end = retentionEnd(meta, retention);
    return end !== undefined && nowMs > end;
  });
}
