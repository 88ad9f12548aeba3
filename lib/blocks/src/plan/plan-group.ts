// Which blocks of a group become one: the same choice as Thanos makes.
import type { BlockMeta } from "../meta/block-meta.ts";

/** Orders blocks by start and, where that is equal, by end and id, so that a plan does not depend on listings. */
export function compareByMinTime(a: BlockMeta, b: BlockMeta): number {
  return (
    a.minTime - b.minTime || a.maxTime - b.maxTime || (a.ulid < b.ulid ? -1 : +(a.ulid > b.ulid))
  );
}

/** The first run of blocks that overlap each other, in the order given; empty if none do. */
export function overlappingRun(byMinTime: readonly BlockMeta[]): readonly BlockMeta[] {
  let maxTime = byMinTime[0]?.maxTime ?? 0;
  let from = -1;
  for (let i = 1; i < byMinTime.length; i++) {
    const block = byMinTime[i]!;
    if (block.minTime < maxTime) {
      if (from < 0) from = i - 1;
    } else if (from >= 0) return byMinTime.slice(from, i);
    maxTime = Math.max(maxTime, block.maxTime);
  }
  return from < 0 ? [] : byMinTime.slice(from);
}

/** Splits blocks into those that lie within the same aligned window of `rangeMs`; those that fit in none are left out. */
export function splitByRange(
  byMinTime: readonly BlockMeta[],
  rangeMs: number,
): readonly (readonly BlockMeta[])[] {
  const parts: BlockMeta[][] = [];
  for (let i = 0; i < byMinTime.length; ) {
    const start = rangeMs * Math.floor(byMinTime[i]!.minTime / rangeMs);
    if (byMinTime[i]!.maxTime > start + rangeMs) {
      i++;
      continue;
    }
    const part: BlockMeta[] = [];
    while (i < byMinTime.length && byMinTime[i]!.maxTime <= start + rangeMs) {
      part.push(byMinTime[i++]!);
    }
    parts.push(part);
  }
  return parts;
}

/** The first run of more than one block without an excluded one between. */
function firstRun(part: readonly BlockMeta[], excluded: ReadonlySet<string>): readonly BlockMeta[] {
  let from = 0;
  for (let i = 0; i <= part.length; i++) {
    if (i < part.length && !excluded.has(part[i]!.ulid)) continue;
    if (i - from > 1) return part.slice(from, i);
    from = i + 1;
  }
  return [];
}

function horizontalRun(
  byMinTime: readonly BlockMeta[],
  rangesMs: readonly number[],
  excluded: ReadonlySet<string>,
): readonly BlockMeta[] {
  const highTime = byMinTime.at(-1)?.minTime ?? 0;
  for (const rangeMs of rangesMs.slice(1)) {
    for (const part of splitByRange(byMinTime, rangeMs)) {
      if (part.length < 2 || part.some((block) => block.compaction.failed === true)) continue;
      const minTime = part[0]!.minTime;
      const maxTime = part.at(-1)!.maxTime;
      // A window that is not full yet waits until a block beyond it exists.
      if (maxTime - minTime !== rangeMs && maxTime > highTime) continue;
      const run = firstRun(part, excluded);
      if (run.length > 0) return run;
    }
  }
  return [];
}

function withManyDeletions(
  byMinTime: readonly BlockMeta[],
  rangesMs: readonly number[],
): readonly BlockMeta[] {
  const least = rangesMs[Math.floor(rangesMs.length / 2)] ?? Number.POSITIVE_INFINITY;
  for (let i = byMinTime.length - 1; i >= 0; i--) {
    const block = byMinTime[i]!;
    if (block.maxTime - block.minTime < least) break;
    const { numTombstones = 0, numSeries = 0 } = block.stats;
    if (numTombstones / (numSeries + 1) > 0.05) return [block];
  }
  return [];
}

/**
 * The blocks to make one of next; empty when there is nothing to do. `byMinTime` ascends by start; `excluded` are
 * blocks with a no-compact mark.
 */
export function planGroup(
  byMinTime: readonly BlockMeta[],
  rangesMs: readonly number[],
  excluded: ReadonlySet<string>,
): readonly BlockMeta[] {
  const newest = byMinTime.at(-1);
  if (newest === undefined) return [];
  const included = byMinTime.filter((block) => !excluded.has(block.ulid));
  const overlapping = overlappingRun(included);
  if (overlapping.length > 0) return overlapping;
  // The newest block is left alone: it was only just uploaded.
  const run = horizontalRun(byMinTime.slice(0, -1), rangesMs, excluded);
  if (run.length > 0) return run;
  return withManyDeletions(excluded.has(newest.ulid) ? included : included.slice(0, -1), rangesMs);
}
