// Several blocks of a bucket become one block in a local folder, series by series.
import { setImmediate } from "node:timers/promises";
import { ChunkEncoding, SampleColumns } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import {
  addInterval,
  coversRange,
  type Interval,
  meetsRange,
  removeDeleted,
} from "@deucalion/tsdb";
import { BlocksError } from "../../errors.ts";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { ColumnPool } from "./column-pool.ts";
import { popHeap, pushHeap } from "./go-heap.ts";
import {
  type ChunkRun,
  type CompactionDedup,
  decodeSource,
  encodeMerged,
  type MergeCounts,
  mergeChunks,
} from "./merge-chunks.ts";
import { mergeSymbols } from "./merge-symbols.ts";
import { OutputBlock, type WrittenBlock } from "./output-block.ts";
import { compareNumbers, SourceBlock } from "./source-block.ts";
import type { SourceChunk } from "./source-chunk.ts";
import { SourceBlockError } from "./source-error.ts";

export interface MergeOptions {
  readonly dedup: CompactionDedup;
  readonly acceptMalformedIndex: boolean;
  /** Values of the replica labels of each source, in the order of the sources; for `fill`. */
  readonly replicas: readonly string[];
  /** Bytes of one read of one source. */
  readonly windowBytes?: number;
}

export interface MergeResult extends WrittenBlock {
  readonly counts: MergeCounts;
}

/** Series after which other work of the thread gets its turn. */
const seriesEachTurn = 512;
/** Memory for the windows of all sources: two of each segment in use and of the index. */
const windowMemory = 12 * 1024 * 1024;

function windowBytesOf(sources: number): number {
  const bytes = windowMemory / (4 * Math.max(1, sources));
  return Math.max(64 * 1024, Math.min(1024 * 1024, 2 ** Math.floor(Math.log2(bytes))));
}

/**
 * Merges blocks into `dir` (index and chunks; no meta.json). Throws SourceBlockError where a source is at fault.
 * Memory depends on symbols and on the number of series, not on samples.
 */
export async function mergeBlocks(
  bucket: Bucket,
  sources: readonly BlockMeta[],
  dir: string,
  options: MergeOptions,
  signal: AbortSignal,
): Promise<MergeResult> {
  const windowBytes = options.windowBytes ?? windowBytesOf(sources.length);
  const blocks: SourceBlock[] = [];
  for (const meta of sources) {
    const open = { acceptMalformedIndex: options.acceptMalformedIndex, windowBytes };
    blocks.push(await SourceBlock.open(bucket, meta, open, signal));
  }
  const { symbols, places } = mergeSymbols(blocks.map((block) => block.symbols));
  for (const [i, block] of blocks.entries()) block.useSymbols(places[i]!);
  const output = await OutputBlock.create(dir, symbols);
  const counts: MergeCounts = { overlaps: 0, duplicateChunks: 0, conflicts: 0 };
  try {
    const merge = new SeriesMerge(blocks, symbols, options, counts);
    for (let series = 1; await merge.next(); series++) {
      if (merge.chunks.length > 0) {
        await output.addSeries(merge.labels, merge.labelCount, merge.chunks);
      }
      if (series % seriesEachTurn !== 0) continue;
      signal.throwIfAborted();
      await setImmediate();
    }
    const written = await output.finish();
    checkCount(merge.samplesRead, written, counts);
    return { ...written, counts };
  } catch (thrown) {
    await output.abandon();
    throw thrown;
  }
}

/** Where nothing was merged or deleted, all samples that were read must have been written. */
function checkCount(read: number, { stats }: WrittenBlock, counts: MergeCounts): void {
  const got = stats.numSamples ?? 0;
  if (counts.overlaps > 0 || counts.duplicateChunks > 0 || got === read) return;
  throw new BlocksError("BLOCKS_RESULT", "a merge lost samples", { read, got });
}

function lessSeries(a: SourceBlock, b: SourceBlock): boolean {
  return compareNumbers(a.labels, a.labelCount, b.labels, b.labelCount) < 0;
}

/** Walks all sources at once; the order in which equal series come is that of Go's heap. */
class SeriesMerge {
  readonly #blocks: readonly SourceBlock[];
  readonly #symbols: readonly string[];
  readonly #options: MergeOptions;
  readonly #counts: MergeCounts;
  readonly #range: { readonly minTime: number; readonly maxTime: number };
  readonly #pool = new ColumnPool();
  readonly #heap: SourceBlock[] = [];
  #current: SourceBlock[] = [];
  #started = false;
  readonly chunks: SourceChunk[] = [];
  labels = new Uint32Array(0);
  labelCount = 0;
  /** Samples of all chunks that were read, without those that are deleted. */
  samplesRead = 0;

  constructor(
    blocks: readonly SourceBlock[],
    symbols: readonly string[],
    options: MergeOptions,
    counts: MergeCounts,
  ) {
    this.#blocks = blocks;
    this.#symbols = symbols;
    this.#options = options;
    this.#counts = counts;
    this.#range = {
      minTime: Math.min(...blocks.map(({ meta }) => meta.minTime)),
      maxTime: Math.max(...blocks.map(({ meta }) => meta.maxTime)),
    };
  }

  /** Moves to the next series of any source; its merged chunks are in `chunks`, none if all were deleted. */
  async next(): Promise<boolean> {
    const heap = this.#heap;
    for (const block of this.#started ? this.#current : this.#blocks) {
      const more = block.next();
      if (typeof more === "boolean" ? more : await more) pushHeap(heap, block, lessSeries);
    }
    this.#started = true;
    this.#current = [];
    const first = popHeap(heap, lessSeries);
    if (first === undefined) return false;
    this.#current.push(first);
    this.labels = first.labels;
    this.labelCount = first.labelCount;
    while (heap.length > 0 && sameLabels(heap[0]!, first)) {
      this.#current.push(popHeap(heap, lessSeries)!);
    }
    await this.#mergeCurrent();
    return true;
  }

  async #mergeCurrent(): Promise<void> {
    this.chunks.length = 0;
    const runs: ChunkRun[] = [];
    for (const block of this.#current) {
      let chunks: SourceChunk[] = [];
      const waiting = block.chunksInto(chunks);
      if (waiting !== undefined) await waiting;
      const intervals = this.#deleted(block, chunks);
      if (intervals.length > 0) {
        chunks = chunks.flatMap((chunk) => withoutDeleted(block, chunk, intervals));
      }
      const replica = this.#options.replicas[this.#blocks.indexOf(block)] ?? "";
      for (const chunk of chunks) this.samplesRead += chunk.sampleCount;
      if (chunks.length > 0) runs.push({ chunks, replica });
    }
    if (runs.length === 0) return;
    const counter = this.#options.dedup === "fill" && this.#isCounter();
    mergeChunks(runs, this.#options.dedup, counter, this.#counts, this.chunks, this.#pool);
  }

  /** Deletions of the present series, and what lies outside of the new block's time. */
  #deleted(block: SourceBlock, chunks: readonly SourceChunk[]): readonly Interval[] {
    let intervals = block.deleted;
    const { minTime, maxTime } = this.#range;
    if (chunks.some((chunk) => chunk.minTime < minTime)) {
      intervals = addInterval(intervals, {
        minTime: Number.MIN_SAFE_INTEGER,
        maxTime: minTime - 1,
      });
    }
    if (chunks.some((chunk) => chunk.maxTime >= maxTime)) {
      intervals = addInterval(intervals, { minTime: maxTime, maxTime: Number.MAX_SAFE_INTEGER });
    }
    return intervals;
  }

  /** A guess by the conventions for names of metrics: nothing else is known here. */
  #isCounter(): boolean {
    for (let i = 0; i < 2 * this.labelCount; i += 2) {
      if (this.#symbols[this.labels[i]!] !== "__name__") continue;
      return /_(?:total|count|bucket)$/.test(this.#symbols[this.labels[i + 1]!]!);
    }
    return false;
  }
}

function sameLabels(a: SourceBlock, b: SourceBlock): boolean {
  return compareNumbers(a.labels, a.labelCount, b.labels, b.labelCount) === 0;
}

function withoutDeleted(
  block: SourceBlock,
  chunk: SourceChunk,
  intervals: readonly Interval[],
): SourceChunk[] {
  if (!meetsRange(intervals, chunk.minTime, chunk.maxTime)) return [chunk];
  if (coversRange(intervals, chunk.minTime, chunk.maxTime)) return [];
  if (chunk.encoding === ChunkEncoding.aggregated) {
    const text = "downsampled chunk is partly deleted or outside of the block";
    throw new SourceBlockError(block.id, "block-malformed", text);
  }
  const samples = decodeSource(chunk, new SampleColumns());
  removeDeleted(samples, 0, intervals);
  return samples.count === 0 ? [] : encodeMerged(samples, 65535);
}
