// Known issues of a block's index: counted over all series, none of them an exception.

import { compareLabels, type Labels } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { IndexReader, type SeriesEntry, seriesLabels } from "@deucalion/tsdb";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { objectRanges } from "./block-objects.ts";
import { sourceError } from "./source-error.ts";

/** Counts over an index. */
export interface BlockHealth {
  series: number;
  chunks: number;
  outOfOrderSeries: number;
  /** Chunks that overlap the one before, or come before it. */
  outOfOrderChunks: number;
  /** Chunks of the very times of the one before. */
  duplicatedChunks: number;
  /** Chunks that reach out of the block's time. */
  outsideChunks: number;
  completeOutsideChunks: number;
  /** Chunks that begin at the block's end: they are in the next block too. */
  issue347OutsideChunks: number;
  outOfOrderLabels: number;
}

/** Reads the whole index. Throws SourceBlockError where it cannot be read or series are out of order. */
export async function readBlockHealth(
  bucket: Bucket,
  meta: BlockMeta,
  signal: AbortSignal,
): Promise<BlockHealth> {
  const name = `${meta.ulid}/index`;
  const health: BlockHealth = {
    series: 0,
    chunks: 0,
    outOfOrderSeries: 0,
    outOfOrderChunks: 0,
    duplicatedChunks: 0,
    outsideChunks: 0,
    completeOutsideChunks: 0,
    issue347OutsideChunks: 0,
    outOfOrderLabels: 0,
  };
  try {
    const { size } = await bucket.attributes(name, signal);
    const index = await IndexReader.open(objectRanges(bucket, name, size, signal), signal);
    let previous: Labels | null = null;
    await index.readSeries(
      await index.allPostings(signal),
      (entry) => {
        const labels = seriesLabels(entry, index.symbols);
        if (labels.size === 0) throw new Error("empty label set");
        if (previous !== null && compareLabels(previous, labels) >= 0) {
          throw new Error(`series ${labels.toString()} out of order`);
        }
        previous = labels;
        addSeries(health, entry, labels, meta);
      },
      signal,
    );
  } catch (thrown) {
    throw sourceError(meta.ulid, "index", thrown);
  }
  return health;
}

function addSeries(health: BlockHealth, entry: SeriesEntry, labels: Labels, meta: BlockMeta): void {
  health.series++;
  health.chunks += entry.chunkCount;
  const { pairs } = labels;
  for (let i = 2; i < pairs.length; i += 2)
    if (pairs[i]! < pairs[i - 2]!) health.outOfOrderLabels++;
  if (entry.chunkCount === 0) throw new Error("series without chunks");
  let outOfOrder = 0;
  for (let i = 0; i < entry.chunkCount; i++) {
    const from = entry.minTimes[i]!;
    const to = entry.maxTimes[i]!;
    if (from < meta.minTime || to > meta.maxTime) {
      health.outsideChunks++;
      if (from > meta.maxTime || to < meta.minTime) health.completeOutsideChunks++;
      else if (from === meta.maxTime) health.issue347OutsideChunks++;
    }
    if (i === 0 || from > entry.maxTimes[i - 1]!) continue;
    if (from === entry.minTimes[i - 1] && to === entry.maxTimes[i - 1]) health.duplicatedChunks++;
    else outOfOrder++;
  }
  if (outOfOrder === 0) return;
  health.outOfOrderSeries++;
  health.outOfOrderChunks += outOfOrder;
}

/** What is wrong, as sentences; empty for a sound block. */
export function healthIssues(health: BlockHealth): string[] {
  const issues: string[] = [];
  const partly = health.outsideChunks - health.completeOutsideChunks - health.issue347OutsideChunks;
  if (partly > 0) issues.push(`found ${partly} chunks non-completely outside the block time range`);
  if (health.completeOutsideChunks > 0) {
    const { completeOutsideChunks: count } = health;
    issues.push(`found ${count} chunks completely outside the block time range`);
  }
  if (health.issue347OutsideChunks > 0) {
    const { issue347OutsideChunks: count } = health;
    issues.push(`found ${count} chunks that begin where the block ends (prometheus/tsdb#347)`);
  }
  if (health.outOfOrderLabels > 0) {
    issues.push(`index contains ${health.outOfOrderLabels} postings with out of order labels`);
  }
  if (health.outOfOrderChunks > 0) {
    const { outOfOrderSeries, series, outOfOrderChunks } = health;
    issues.push(
      `${outOfOrderSeries}/${series} series have ${outOfOrderChunks} out-of-order chunks`,
    );
  }
  return issues;
}
