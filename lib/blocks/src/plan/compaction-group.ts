// Groups of blocks that may become one block: the same stream at the same resolution.
import { Labels } from "@deucalion/model";
import { type BlockMeta, groupKey } from "../meta/block-meta.ts";
import { compareByMinTime } from "./plan-group.ts";

/** Blocks with the same external labels and resolution, ascending by start. */
export interface CompactionGroup {
  readonly key: string;
  readonly labels: Labels;
  readonly resolutionMs: number;
  readonly blocks: readonly BlockMeta[];
}

/** A group as people read it: `0@{cluster="eu"}`. */
export function describeGroup(group: CompactionGroup): string {
  return `${group.resolutionMs}@${group.labels.toString()}`;
}

/** Groups in the order of their keys. */
export function compactionGroups(metas: Iterable<BlockMeta>): CompactionGroup[] {
  const groups = new Map<string, BlockMeta[]>();
  for (const meta of metas) {
    const key = groupKey(meta);
    const blocks = groups.get(key);
    if (blocks === undefined) groups.set(key, [meta]);
    else blocks.push(meta);
  }
  return [...groups.keys()].sort().map((key) => {
    const blocks = groups.get(key)!.sort(compareByMinTime);
    const first = blocks[0]!;
    return {
      key,
      labels: Labels.from(first.thanos.labels),
      resolutionMs: first.thanos.downsample.resolution,
      blocks,
    };
  });
}

/** Extensions that all blocks have, with the values of the first; undefined where none has any. */
export function commonExtensions(
  blocks: readonly BlockMeta[],
): Readonly<Record<string, unknown>> | undefined {
  let common: Record<string, unknown> | undefined;
  for (const { thanos } of blocks) {
    const { extensions } = thanos;
    if (typeof extensions !== "object" || extensions === null || Array.isArray(extensions))
      continue;
    if (common === undefined) common = { ...extensions };
    else for (const name of Object.keys(common)) if (!(name in extensions)) delete common[name];
  }
  return common;
}
