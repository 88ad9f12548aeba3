// The blocks of one external label set, by resolution, and which of them answer a query.
import { type BlockMeta, externalLabels } from "./block-meta.ts";

/** Anything with a meta that can be chosen. */
export interface HasMeta {
  readonly meta: BlockMeta;
}

/** Blocks of one stream. `resolutions` descends (1 h, 5 m, raw). */
export interface BlockSet<Block extends HasMeta> {
  readonly labelsKey: string;
  readonly resolutions: readonly number[];
  /** By resolution, sorted by minTime. */
  readonly blocks: readonly (readonly Block[])[];
}

/** Groups blocks by external labels and resolution. */
export function groupBlocks<Block extends HasMeta>(blocks: Iterable<Block>): BlockSet<Block>[] {
  const sets = new Map<string, Map<number, Block[]>>();
  for (const block of blocks) {
    const key = externalLabels(block.meta).key;
    let levels = sets.get(key);
    if (levels === undefined) {
      levels = new Map();
      sets.set(key, levels);
    }
    const resolution = block.meta.thanos.downsample.resolution;
    const level = levels.get(resolution);
    if (level === undefined) levels.set(resolution, [block]);
    else level.push(block);
  }
  return [...sets].map(([labelsKey, levels]) => {
    const resolutions = [...levels.keys()].sort((a, b) => b - a);
    const sorted = resolutions.map((resolution) =>
      levels
        .get(resolution)!
        .sort((a, b) => a.meta.minTime - b.meta.minTime || a.meta.maxTime - b.meta.maxTime),
    );
    return { labelsKey, resolutions, blocks: sorted };
  });
}

/**
 * The blocks that cover [minTime, maxTime] (ms, inclusive): of the coarsest resolution that is at most
 * `maxResolutionMs`, with holes filled from finer ones.
 */
export function chooseBlocks<Block extends HasMeta>(
  set: BlockSet<Block>,
  minTime: number,
  maxTime: number,
  maxResolutionMs: number,
): Block[] {
  const chosen: Block[] = [];
  let level = 0;
  while (level < set.resolutions.length && set.resolutions[level]! > maxResolutionMs) level++;
  if (level < set.resolutions.length) fill(set, level, minTime, maxTime, chosen);
  return chosen;
}

function fill<Block extends HasMeta>(
  set: BlockSet<Block>,
  level: number,
  minTime: number,
  maxTime: number,
  chosen: Block[],
): void {
  if (minTime > maxTime || level >= set.resolutions.length) return;
  let start = minTime;
  for (const block of set.blocks[level]!) {
    if (block.meta.maxTime <= minTime) continue;
    if (block.meta.minTime > maxTime) break;
    fill(set, level + 1, start, block.meta.minTime - 1, chosen);
    chosen.push(block);
    start = Math.max(start, block.meta.maxTime);
  }
  fill(set, level + 1, start, maxTime, chosen);
}
