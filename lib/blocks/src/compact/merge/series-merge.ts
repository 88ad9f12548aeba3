// Walks the series of several blocks at once and merges each into an output.
import { setImmediate } from "node:timers/promises";
import type { ChunkMemory } from "@deucalion/kernels";
import { ChunkEncoding, SampleColumns } from "@deucalion/model";
import {
  addInterval,
  coversRange,
  type Interval,
  meetsRange,
  removeDeleted,
} from "@deucalion/tsdb";
import { ColumnPool } from "./column-pool.ts";
import { compareNumbers } from "./compare-numbers.ts";
import { popHeap, pushHeap } from "./go-heap.ts";
import {
  type ChunkRun,
  type CompactionDedup,
  decodeSource,
  encodeMerged,
  type MergeCounts,
  mergeChunks,
} from "./merge-chunks.ts";
import type { OutputBlock } from "./output-block.ts";
import type { SourceBlock } from "./source-block.ts";
import type { SourceChunk } from "./source-chunk.ts";
import { SourceBlockError } from "./source-error.ts";

/** How equal series become one. */
export interface SeriesMergeOptions {
  readonly dedup: CompactionDedup;
  /** Values of the replica labels of each source, in the order of the sources; for `fill`. */
  readonly replicas: readonly string[];
}

/** Series that are walked over before other work of the thread gets its turn. */
const seriesEachTurn = 4096;

function lessSeries(a: SourceBlock, b: SourceBlock): boolean {
  return compareNumbers(a.labels, a.labelCount, b.labels, b.labelCount) < 0;
}

/** Walks all sources at once; the order in which equal series come is that of Go's heap. */
export class SeriesMerge {
  readonly #blocks: readonly SourceBlock[];
  readonly #symbols: readonly string[];
  readonly #options: SeriesMergeOptions;
  readonly #counts: MergeCounts;
  readonly #range: { readonly minTime: number; readonly maxTime: number };
  readonly #memory: ChunkMemory;
  readonly #pool: ColumnPool;
  readonly #heap: SourceBlock[] = [];
  /** Sources that have the present series, as they came off the heap, and by their first chunks. */
  #current: SourceBlock[] = [];
  readonly #ordered: SourceBlock[] = [];
  #started = false;
  /** Places in each source at which the merge begins and ends; null where sources are limited themselves. */
  #from: readonly number[] | null = null;
  #to: readonly number[] | null = null;
  labels = new Uint32Array(0);
  labelCount = 0;
  /** Samples of all chunks that were read, without those that are deleted. */
  samplesRead = 0;

  constructor(
    blocks: readonly SourceBlock[],
    symbols: readonly string[],
    options: SeriesMergeOptions,
    counts: MergeCounts,
    memory: ChunkMemory,
  ) {
    this.#memory = memory;
    this.#pool = new ColumnPool(memory);
    this.#blocks = blocks;
    this.#symbols = symbols;
    this.#options = options;
    this.#counts = counts;
    this.#range = {
      minTime: Math.min(...blocks.map(({ meta }) => meta.minTime)),
      maxTime: Math.max(...blocks.map(({ meta }) => meta.maxTime)),
    };
  }

  /**
   * Gives only series from the places `from` to before `to`, one place for each source. Series before are walked over, so
   * that equal series come in the order in which they come without limits. To be called before `next`.
   */
  limit(from: readonly number[], to: readonly number[]): void {
    this.#from = from;
    this.#to = to;
  }

  /** Moves to the next series of any source. A promise only where bytes must be fetched. */
  next(): boolean | Promise<boolean> {
    if (this.#from !== null) return this.#skipTo(this.#from);
    return this.#step();
  }

  async #skipTo(from: readonly number[]): Promise<boolean> {
    this.#from = null;
    for (let passed = 1; ; passed++) {
      const more = this.#step();
      if (!(typeof more === "boolean" ? more : await more)) return false;
      if (this.#has(from)) return true;
      if (passed % seriesEachTurn === 0) await setImmediate();
    }
  }

  /** Whether the present series lies at or after `places`. */
  #has(places: readonly number[]): boolean {
    const block = this.#current[0]!;
    return block.place >= places[this.#blocks.indexOf(block)]!;
  }

  #step(): boolean | Promise<boolean> {
    const left = this.#started ? this.#current : this.#blocks;
    this.#started = true;
    for (let i = 0; i < left.length; i++) {
      const more = left[i]!.next();
      if (typeof more !== "boolean") return this.#nextLater(left, i, more);
      if (more) pushHeap(this.#heap, left[i]!, lessSeries);
    }
    return this.#take();
  }

  async #nextLater(
    left: readonly SourceBlock[],
    first: number,
    waiting: Promise<boolean>,
  ): Promise<boolean> {
    if (await waiting) pushHeap(this.#heap, left[first]!, lessSeries);
    for (let i = first + 1; i < left.length; i++) {
      const more = left[i]!.next();
      const found = typeof more === "boolean" ? more : await more;
      if (found) pushHeap(this.#heap, left[i]!, lessSeries);
    }
    return this.#take();
  }

  /** Takes the sources of the least series off the heap. */
  #take(): boolean {
    const heap = this.#heap;
    this.#current = [];
    const first = popHeap(heap, lessSeries);
    if (first === undefined) return false;
    this.#current.push(first);
    this.labels = first.labels;
    this.labelCount = first.labelCount;
    while (heap.length > 0 && sameLabels(heap[0]!, first)) {
      this.#current.push(popHeap(heap, lessSeries)!);
    }
    return this.#to === null || !this.#has(this.#to);
  }

  /** Merges the present series into `output`; one without samples leaves nothing. A promise only where it must wait. */
  writeTo(output: OutputBlock): undefined | Promise<void> {
    const ordered = this.#ordered;
    ordered.length = 0;
    for (let i = 0; i < this.#current.length; i++) ordered.push(this.#current[i]!);
    if (ordered.length > 1) ordered.sort(byFirstChunk);
    for (let i = 0; i < ordered.length; i++) {
      const block = ordered[i]!;
      if (!block.plain) return this.#mergeCurrent(output);
      if (i > 0 && ordered[i - 1]!.lastTime >= block.firstTime) return this.#mergeCurrent(output);
    }
    const before = output.samples;
    for (let i = 0; i < ordered.length; i++) {
      const waiting = ordered[i]!.copyChunks(output);
      if (waiting !== undefined) return this.#copyLater(output, i, waiting, before);
    }
    this.samplesRead += output.samples - before;
    return output.endSeries(this.labels, this.labelCount);
  }

  async #copyLater(
    output: OutputBlock,
    first: number,
    waiting: Promise<void>,
    before: number,
  ): Promise<void> {
    await waiting;
    for (let i = first + 1; i < this.#ordered.length; i++) {
      const more = this.#ordered[i]!.copyChunks(output);
      if (more !== undefined) await more;
    }
    this.samplesRead += output.samples - before;
    const ended = output.endSeries(this.labels, this.labelCount);
    if (ended !== undefined) await ended;
  }

  async #mergeCurrent(output: OutputBlock): Promise<void> {
    // What was encoded for the series before is written.
    this.#memory.reset();
    const merged: SourceChunk[] = [];
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
    mergeChunks(runs, this.#options.dedup, counter, this.#counts, merged, this.#pool);
    if (merged.length > 0) await output.addSeries(this.labels, this.labelCount, merged);
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

function byFirstChunk(a: SourceBlock, b: SourceBlock): number {
  return a.firstTime - b.firstTime;
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
