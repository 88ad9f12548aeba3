// Writes a local block again: relabelled, and without what is deleted.
import { compareLabels, type Labels, SampleColumns } from "@deucalion/model";
import {
  type Block,
  type BlockMeta,
  chainSamplesInto,
  decodeChunkInto,
  type EncodedChunk,
  encodeSamples,
  type Interval,
  removeDeleted,
  seriesLabels,
  writeBlock,
} from "@deucalion/tsdb";
import { type Deletion, deletedOf } from "./deletions.ts";
import type { Relabel } from "./relabel.ts";

export interface RewriteOptions {
  readonly relabel: Relabel;
  readonly deletions: readonly Deletion[];
  /** Called with each change. */
  readonly changed: (line: string) => void;
}

/** A series of the new block and where its chunks come from. */
interface Target {
  readonly labels: Labels;
  readonly sources: readonly { readonly refs: Float64Array; readonly intervals: Interval[] }[];
}

/** The series that the new block has, in order. Labels of all series are held. */
export async function planRewrite(block: Block, options: RewriteOptions): Promise<Target[]> {
  const targets = new Map<string, { labels: Labels; sources: Target["sources"][number][] }>();
  await block.index.readSeries(await block.index.allPostings(), (entry) => {
    const before = seriesLabels(entry, block.index.symbols);
    const labels = options.relabel(before);
    if (labels === null || labels.size === 0) {
      options.changed(`Deleted ${before.toString()} by relabelling`);
      return;
    }
    if (compareLabels(before, labels) !== 0) {
      options.changed(`Relabelled ${before.toString()} ${labels.toString()}`);
    }
    const intervals = deletedOf(labels, options.deletions);
    const refs = entry.refs.slice(0, entry.chunkCount);
    const from = entry.minTimes[0]!;
    const to = entry.maxTimes[entry.chunkCount - 1]!;
    if (intervals === "all") {
      options.changed(`Deleted ${labels.toString()} [{${from} ${to}}]`);
      return;
    }
    const hit = intervals.filter((one) => one.minTime <= to && one.maxTime >= from);
    for (const { minTime, maxTime } of hit) {
      options.changed(`Deleted ${labels.toString()} [{${minTime} ${maxTime}}]`);
    }
    const target = targets.get(labels.key);
    if (target === undefined)
      targets.set(labels.key, { labels, sources: [{ refs, intervals: hit }] });
    else target.sources.push({ refs, intervals: hit });
  });
  return [...targets.values()].sort((a, b) => compareLabels(a.labels, b.labels));
}

/** Writes `planRewrite`'s series as block `meta.ulid` below `parent`. */
export function writeRewritten(
  block: Block,
  targets: readonly Target[],
  parent: string,
  meta: BlockMeta,
): Promise<BlockMeta> {
  async function* series(): AsyncIterable<{ labels: Labels; chunks: EncodedChunk[] }> {
    for (const target of targets) {
      const chunks = await chunksOf(block, target);
      if (chunks.length > 0) yield { labels: target.labels, chunks };
    }
  }
  const { ulid, minTime, maxTime, compaction, thanos } = meta;
  const extra = thanos === undefined ? {} : { thanos };
  return writeBlock(parent, { ulid, minTime, maxTime, compaction, ...extra }, series());
}

async function chunksOf(block: Block, { sources }: Target): Promise<EncodedChunk[]> {
  const runs: SampleColumns[] = [];
  const kept: EncodedChunk[] = [];
  let same = sources.length === 1;
  for (const { refs, intervals } of sources) {
    const read = await block.segments.read(refs);
    const run = new SampleColumns();
    for (let i = 0; i < refs.length; i++) {
      const data = read.buffers[read.buffer[i]!]!;
      const samples = new SampleColumns();
      decodeChunkInto(read.encoding[i]!, data, read.offset[i]!, read.length[i]!, samples);
      const before = samples.count;
      const [minTime, maxTime] = [samples.times[0]!, samples.times[before - 1]!];
      removeDeleted(samples, 0, intervals);
      same &&= samples.count === before;
      kept.push({
        encoding: read.encoding[i]!,
        minTime,
        maxTime,
        sampleCount: before,
        data: data.subarray(read.offset[i]!, read.offset[i]! + read.length[i]!),
      });
      for (let at = 0; at < samples.count; at++) run.pushFrom(samples, at);
    }
    runs.push(run);
  }
  // Chunks that lose nothing are copied.
  if (same) return kept;
  const merged = new SampleColumns();
  chainSamplesInto(runs, merged);
  const startTimes = merged.startTimes !== null;
  return encodeSamples(merged, 0, merged.count, {
    samplesPerChunk: 120,
    xor2: startTimes,
    histogramStartTimes: startTimes,
  });
}
