// meta.json of blocks that compaction and downsampling make.
import type { BlockMeta, BlockStats } from "../meta/block-meta.ts";
import { type CompactionGroup, commonExtensions } from "../plan/compaction-group.ts";
import type { WrittenBlock } from "./merge/output-block.ts";

/** The meta of a block made of `sources` (in the order in which they were merged). */
export function compactedMeta(
  ulid: string,
  group: CompactionGroup,
  sources: readonly BlockMeta[],
  stats: BlockStats,
  segmentFiles: readonly string[],
): BlockMeta {
  const hints = new Set<string>();
  for (const { compaction } of sources) {
    for (const hint of compaction.hints ?? []) {
      if (hint !== "from-out-of-order") hints.add(hint);
    }
  }
  const outOfOrder = sources.every((s) => s.compaction.hints?.includes("from-out-of-order"));
  if (outOfOrder) hints.add("from-out-of-order");
  const extensions = commonExtensions(group.blocks);
  return {
    ulid,
    minTime: Math.min(...sources.map((source) => source.minTime)),
    maxTime: Math.max(...sources.map((source) => source.maxTime)),
    stats,
    compaction: {
      level: Math.max(...sources.map((source) => source.compaction.level)) + 1,
      sources: [...new Set(sources.flatMap((source) => source.compaction.sources))].sort(),
      parents: sources.map(({ ulid: id, minTime, maxTime }) => ({ ulid: id, minTime, maxTime })),
      ...(hints.size > 0 ? { hints: [...hints] } : {}),
    },
    version: 1,
    thanos: {
      version: 1,
      labels: Object.fromEntries(group.labels),
      downsample: { resolution: group.resolutionMs },
      source: "compactor",
      segment_files: segmentFiles,
      index_stats: {},
      ...(extensions === undefined ? {} : { extensions }),
    },
  };
}

/** The meta of a coarser copy of `source`. */
export function downsampledMeta(
  ulid: string,
  source: BlockMeta,
  resolutionMs: number,
  stats: BlockStats,
  segmentFiles: readonly string[],
): BlockMeta {
  return {
    ...source,
    ulid,
    stats: {
      ...source.stats,
      numSamples: stats.numSamples ?? 0,
      numSeries: stats.numSeries ?? 0,
      numChunks: stats.numChunks ?? 0,
    },
    version: 1,
    thanos: {
      ...source.thanos,
      downsample: { resolution: resolutionMs },
      source: "compactor",
      segment_files: segmentFiles,
      index_stats: {},
    },
  };
}

/** Names of the segments as meta.json lists them. */
export function segmentNamesOf({ segments }: WrittenBlock): string[] {
  return segments.map(({ name }) => name);
}
