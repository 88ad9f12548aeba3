// Several blocks of a bucket become one block in a local folder, series by series; a big merge in parts, side by side.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { ChunkMemory } from "@deucalion/kernels";
import type { Bucket } from "@deucalion/objstore";
import { BlocksError } from "../../errors.ts";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { cutSeries } from "./cut-series.ts";
import type { CompactionDedup, MergeCounts } from "./merge-chunks.ts";
import { mergeSymbols } from "./merge-symbols.ts";
import { earlyIn, OutputBlock, type WrittenBlock, type WrittenPart } from "./output-block.ts";
import { SeriesMerge } from "./series-merge.ts";
import { SourceBlock } from "./source-block.ts";

export interface MergeOptions {
  readonly dedup: CompactionDedup;
  readonly acceptMalformedIndex: boolean;
  /** Values of the replica labels of each source, in the order of the sources; for `fill`. */
  readonly replicas: readonly string[];
  /** Ranges of labels that are merged side by side where there are helpers; 1 by default. */
  readonly parts?: number;
  /** Bytes of one read of one source. */
  readonly windowBytes?: number;
}

export interface MergeResult extends WrittenBlock {
  readonly counts: MergeCounts;
}

/** What a part read and wrote. */
export interface MergedPart extends WrittenPart {
  readonly counts: MergeCounts;
  /** Samples of all chunks that were read, without those that are deleted. */
  readonly samplesRead: number;
  /** The range of series of each source: `[from, to)`. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Whoever merges the parts beside the first one, each with `mergePart`. */
export interface MergeHelpers {
  run(part: number, dir: string, signal: AbortSignal): Promise<MergedPart>;
  /** When it is done nobody writes any more. */
  close(): Promise<void>;
}

/** Series after which other work of the thread gets its turn. */
const seriesEachTurn = 512;
/** Memory for the windows of all sources: two of each segment in use and of the index. */
const windowMemory = 12 * 1024 * 1024;
/** Samples of columns, and bytes of the chunks of one series, that WebAssembly sees. */
const poolSamples = 64 * 2048;
const arenaBytes = 2 * 1024 * 1024;
/** Address space of windows; what does not fit has memory of its own. */
const memoryBytes = 2 * windowMemory;

function windowBytesOf(sources: number): number {
  const bytes = windowMemory / (4 * Math.max(1, sources));
  return Math.max(64 * 1024, Math.min(1024 * 1024, 2 ** Math.floor(Math.log2(bytes))));
}

/** The sources of a merge, or of a part of it, with one table of symbols. */
class Sources {
  readonly blocks: readonly SourceBlock[];
  readonly symbols: readonly string[];
  readonly memory: ChunkMemory;
  readonly counts: MergeCounts = { overlaps: 0, duplicateChunks: 0, conflicts: 0 };
  from: readonly number[] = [];
  to: readonly number[] = [];

  private constructor(blocks: readonly SourceBlock[], memory: ChunkMemory) {
    this.blocks = blocks;
    this.memory = memory;
    const { symbols, places } = mergeSymbols(blocks.map((block) => block.symbols));
    for (const [i, block] of blocks.entries()) block.useSymbols(places[i]!);
    this.symbols = symbols;
  }

  static async open(
    bucket: Bucket,
    metas: readonly BlockMeta[],
    options: MergeOptions,
    signal: AbortSignal,
  ): Promise<Sources> {
    const windowBytes = options.windowBytes ?? windowBytesOf(metas.length);
    const memory = new ChunkMemory({
      bufferBytes: windowBytes,
      bufferCount: Math.ceil(memoryBytes / windowBytes),
      samples: poolSamples,
      arenaBytes,
    });
    const blocks: SourceBlock[] = [];
    for (const meta of metas) {
      const open = { acceptMalformedIndex: options.acceptMalformedIndex, windowBytes, memory };
      blocks.push(await SourceBlock.open(bucket, meta, open, signal));
    }
    return new Sources(blocks, memory);
  }

  /** Merges the series of a part into `output` and returns how many samples were read. */
  async merge(
    part: number,
    options: MergeOptions,
    output: OutputBlock,
    signal: AbortSignal,
  ): Promise<number> {
    const parts = options.parts ?? 1;
    this.from = await cutSeries(this.blocks, part, parts);
    this.to = await cutSeries(this.blocks, part + 1, parts);
    const { blocks, from, to } = this;
    // Which of equals comes first depends on all series before, so where they may clash the walk is done from the start.
    const walk = parts > 1 && meetInTime(blocks);
    if (!walk) for (const [i, block] of blocks.entries()) block.limit(from[i]!, to[i]!);
    const merge = new SeriesMerge(blocks, this.symbols, options, this.counts, this.memory);
    if (walk) merge.limit(from, to);
    for (let series = 1; ; series++) {
      const more = merge.next();
      if (!(typeof more === "boolean" ? more : await more)) return merge.samplesRead;
      const waiting = merge.writeTo(output);
      if (waiting !== undefined) await waiting;
      if (series % seriesEachTurn !== 0) continue;
      signal.throwIfAborted();
      await setImmediate();
    }
  }
}

/**
 * Merges blocks into `dir` (index and chunks; no meta.json). Throws SourceBlockError where a source is at fault.
 * Memory depends on symbols and on the number of series, not on samples. With `helpers`, which are closed at the end, all
 * but the first of `options.parts` parts are theirs; series, chunks and samples are the same, in more segments.
 */
export async function mergeBlocks(
  bucket: Bucket,
  sources: readonly BlockMeta[],
  dir: string,
  options: MergeOptions,
  signal: AbortSignal,
  helpers: MergeHelpers | null = null,
): Promise<MergeResult> {
  const parts = helpers === null ? 1 : Math.max(1, options.parts ?? 1);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const others: Promise<MergedPart>[] = [];
  for (let part = 1; part < parts; part++) {
    const other = helpers!.run(part, join(dir, `part-${part}`), either);
    // One that fails ends all.
    other.catch((thrown: unknown) => stop.abort(thrown));
    others.push(other);
  }
  let output: OutputBlock | null = null;
  try {
    const opened = await Sources.open(bucket, sources, options, either);
    output = await OutputBlock.createIn(dir, opened.symbols, earlyIn(bucket));
    let read = await opened.merge(0, { ...options, parts }, output, either);
    const { counts } = opened;
    let { to } = opened;
    for (const part of await Promise.all(others)) {
      checkSeam(to, part.from);
      await output.adopt(part, signal);
      read += part.samplesRead;
      counts.overlaps += part.counts.overlaps;
      counts.duplicateChunks += part.counts.duplicateChunks;
      counts.conflicts += part.counts.conflicts;
      to = part.to;
    }
    checkSeam(
      to,
      opened.blocks.map((block) => block.seriesCount),
    );
    const written = await output.finish();
    checkCount(read, written, counts);
    return { ...written, counts };
  } catch (thrown) {
    stop.abort(thrown);
    await Promise.allSettled(others);
    await helpers?.close();
    await output?.abandon();
    await rm(dir, { recursive: true, force: true });
    throw thrown;
  } finally {
    await helpers?.close();
  }
}

/** Merges part `part` of `options.parts` into `dir`. Throws SourceBlockError where a source is at fault. */
export async function mergePart(
  bucket: Bucket,
  sources: readonly BlockMeta[],
  dir: string,
  options: MergeOptions,
  part: number,
  signal: AbortSignal,
): Promise<MergedPart> {
  const opened = await Sources.open(bucket, sources, options, signal);
  const output = await OutputBlock.createPart(dir, earlyIn(bucket));
  try {
    const samplesRead = await opened.merge(part, options, output, signal);
    const { counts, from, to } = opened;
    return { ...(await output.finishPart()), counts, samplesRead, from, to };
  } catch (thrown) {
    await output.abandon();
    throw thrown;
  }
}

/** Whether two blocks cover a time in common: then samples of one series may clash. */
function meetInTime(blocks: readonly SourceBlock[]): boolean {
  const metas = blocks.map(({ meta }) => meta).sort((a, b) => a.minTime - b.minTime);
  return metas.some((meta, i) => i > 0 && metas[i - 1]!.maxTime > meta.minTime);
}

/** Each part must begin where the one before it ended: in every source. */
function checkSeam(to: readonly number[], from: readonly number[]): void {
  if (to.every((place, i) => place === from[i])) return;
  throw new BlocksError("BLOCKS_RESULT", "parts of a merge do not meet", { to, from });
}

/** Where nothing was merged or deleted, all samples that were read must have been written. */
function checkCount(read: number, { stats }: WrittenBlock, counts: MergeCounts): void {
  const got = stats.numSamples ?? 0;
  if (counts.overlaps > 0 || counts.duplicateChunks > 0 || got === read) return;
  throw new BlocksError("BLOCKS_RESULT", "a merge lost samples", { read, got });
}
