// Which blocks are to be downsampled: those long enough whose data is not there at the coarser resolution yet.
import type { BlockMeta } from "../meta/block-meta.ts";
import {
  downsampleFiveMinutesRangeMs,
  downsampleRawRangeMs,
  resolutionsMs,
} from "./compaction-ranges.ts";

/** A block to downsample. */
export interface DownsampleStep {
  readonly source: BlockMeta;
  readonly resolutionMs: number;
}

/** All steps that can be taken now, in order of ULIDs. `excluded` are blocks with a no-downsample mark. */
export function planDownsampling(
  metas: Iterable<BlockMeta>,
  excluded: { has(id: string): boolean },
): DownsampleStep[] {
  const all = [...metas].filter(({ ulid }) => !excluded.has(ulid));
  const { fiveMinutes, oneHour } = resolutionsMs;
  const done = new Map<number, Set<string>>([
    [fiveMinutes, new Set()],
    [oneHour, new Set()],
  ]);
  for (const { thanos, compaction } of all) {
    const sources = done.get(thanos.downsample.resolution);
    for (const source of sources === undefined ? [] : compaction.sources) sources!.add(source);
  }
  const steps: DownsampleStep[] = [];
  for (const source of all.sort((a, b) => (a.ulid < b.ulid ? -1 : 1))) {
    const { resolution } = source.thanos.downsample;
    const raw = resolution === resolutionsMs.raw;
    if (!raw && resolution !== fiveMinutes) continue;
    const resolutionMs = raw ? fiveMinutes : oneHour;
    const least = raw ? downsampleRawRangeMs : downsampleFiveMinutesRangeMs;
    if (source.maxTime - source.minTime < least) continue;
    if (source.compaction.sources.every((id) => done.get(resolutionMs)!.has(id))) continue;
    steps.push({ source, resolutionMs });
  }
  return steps;
}
