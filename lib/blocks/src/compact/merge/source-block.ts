// A block that is compacted: its series in order, one at a time, read from the bucket in large pieces.
import { type ChunkMemory, crc32c } from "@deucalion/kernels";
import type { Bucket } from "@deucalion/objstore";
import {
  decodeTombstones,
  IndexReader,
  type Interval,
  type RangeReader,
  SeriesEntry,
  type Symbols,
  type Tombstones,
} from "@deucalion/tsdb";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { listBlockObjects, objectRanges, segmentNames } from "./block-objects.ts";
import { compareNumbers } from "./compare-numbers.ts";
import type { OutputBlock } from "./output-block.ts";
import type { SourceChunk } from "./source-chunk.ts";
import { SourceBlockError, sourceError } from "./source-error.ts";
import { SourceSegments } from "./source-segments.ts";
import { WindowReader } from "./window-reader.ts";

/** Bytes that are asked for at a series whose length is not known: while it walks, and when one is looked up. */
const seriesBytes = 16 * 1024;
const probeBytes = 4096;

export interface SourceBlockOptions {
  /** Take series whose labels are not sorted by name (a bug of Prometheus 2.8 and older). */
  readonly acceptMalformedIndex: boolean;
  /** Bytes of one read. */
  readonly windowBytes: number;
  /** Reads into this memory: bytes of chunks are valid only until the next series then. */
  readonly memory?: ChunkMemory;
  /** Do not look at the times and the order of chunks, and give those outside of the block too: for repairs. */
  readonly unchecked?: boolean;
}

/** Walks the series of one block. Errors that are the block's own fault are SourceBlockError. */
export class SourceBlock {
  readonly id: string;
  readonly meta: BlockMeta;
  readonly symbols: Symbols;
  readonly #index: IndexReader;
  readonly #refs: Uint32Array;
  readonly #indexRanges: RangeReader;
  readonly #indexWindow: WindowReader;
  readonly #segments: SourceSegments;
  readonly #tombstones: Tombstones;
  readonly #acceptMalformed: boolean;
  readonly #unchecked: boolean;
  /** References are numbers of symbols (version 2), not positions. */
  readonly #numbered: boolean;
  readonly #entry = new SeriesEntry();
  /** The present series, and the range that is walked. */
  #at = -1;
  #from = 0;
  #end: number;
  #place: Uint32Array | null = null;
  #previous = new Uint32Array(64);
  #previousCount = -1;
  /** Labels of the present series: numbers of symbols in the merged table, name, value, …; `labelCount` pairs. */
  labels = new Uint32Array(64);
  labelCount = 0;
  /** The present series has no deletions, and its chunks ascend without overlap and lie within the block's time. */
  plain = false;

  private constructor(
    meta: BlockMeta,
    index: IndexReader,
    refs: Uint32Array,
    indexRanges: RangeReader,
    indexWindow: WindowReader,
    segments: readonly WindowReader[],
    tombstones: Tombstones,
    options: SourceBlockOptions,
  ) {
    this.id = meta.ulid;
    this.meta = meta;
    this.symbols = index.symbols;
    this.#index = index;
    this.#refs = refs;
    this.#indexRanges = indexRanges;
    this.#indexWindow = indexWindow;
    this.#tombstones = tombstones;
    this.#acceptMalformed = options.acceptMalformedIndex;
    this.#unchecked = options.unchecked === true;
    this.#numbered = index.version !== 1;
    this.#end = refs.length;
    const { memory } = options;
    this.#segments = new SourceSegments(
      meta.ulid,
      this.#entry,
      this.#unchecked ? Number.POSITIVE_INFINITY : meta.maxTime,
      segments,
      memory === undefined ? crc32c : memory.crc32c,
    );
  }

  /** Opens a block of a bucket: reads symbols, tables and the list of series. */
  static async open(
    bucket: Bucket,
    meta: BlockMeta,
    options: SourceBlockOptions,
    signal: AbortSignal,
  ): Promise<SourceBlock> {
    const id = meta.ulid;
    const objects = await listBlockObjects(bucket, id, signal);
    const indexSize = objects.get("index");
    if (indexSize === undefined) {
      throw new SourceBlockError(id, "block-index-damaged", "index is missing");
    }
    const memory = options.memory ?? null;
    const open = (name: string, size: number): WindowReader => {
      const ranges = objectRanges(bucket, `${id}/${name}`, size, signal, options.memory?.take);
      return new WindowReader(ranges, options.windowBytes, memory);
    };
    try {
      const ranges = objectRanges(bucket, `${id}/index`, indexSize, signal);
      const index = await IndexReader.open(ranges, signal);
      const refs = await index.allPostings(signal);
      const segments: WindowReader[] = [];
      for (const name of segmentNames(objects)) {
        const reader = open(name, objects.get(name)!);
        await SourceSegments.begin(id, reader);
        segments.push(reader);
      }
      const tombstones = objects.has("tombstones")
        ? decodeTombstones(await bucket.get(`${id}/tombstones`, signal))
        : new Map<number, readonly Interval[]>();
      const window = open("index", indexSize);
      return new SourceBlock(meta, index, refs, ranges, window, segments, tombstones, options);
    } catch (thrown) {
      throw sourceError(id, "index", thrown);
    }
  }

  get seriesCount(): number {
    return this.#refs.length;
  }

  /** Says how symbols are numbered in the merged table. To be called before `next`. */
  useSymbols(place: Uint32Array): void {
    this.#place = place;
  }

  /** Walks only the series `[from, end)`, by their places in the block. To be called before `next`. */
  limit(from: number, end: number): void {
    this.#from = from;
    this.#end = end;
    this.#at = from - 1;
  }

  /** Labels of the series at a place, as numbers of symbols in the merged table. The walk is not moved. */
  async labelsAt(place: number): Promise<Uint32Array> {
    const offset = this.#index.seriesOffset(this.#refs[place]!);
    const ranges = this.#indexRanges;
    const entry = new SeriesEntry();
    try {
      for (let need = probeBytes; ; ) {
        const length = Math.min(need, ranges.size - offset);
        const used = entry.read(await ranges.read(offset, length), 0);
        if (used > 0) break;
        if (offset - used > ranges.size || -used <= need) throw this.#cutOff();
        need = -used;
      }
    } catch (thrown) {
      throw sourceError(this.id, "index", thrown);
    }
    const labels = new Uint32Array(2 * entry.labelCount);
    this.#numberLabels(entry, labels);
    return labels;
  }

  /**
   * Moves to the next series; false at the end. A promise only where bytes must be fetched: there are millions of
   * calls, and few of them wait.
   */
  next(): boolean | Promise<boolean> {
    this.#at++;
    this.#indexWindow.recycle();
    this.#segments.recycle();
    if (this.#at >= this.#end) return false;
    const offset = this.#index.seriesOffset(this.#refs[this.#at]!);
    try {
      const waiting = this.#readEntry(offset);
      if (waiting !== undefined) return this.#nextSlowly(waiting);
    } catch (thrown) {
      throw sourceError(this.id, "index", thrown);
    }
    this.#takeLabels();
    return true;
  }

  async #nextSlowly(waiting: Promise<void>): Promise<boolean> {
    try {
      await waiting;
    } catch (thrown) {
      throw sourceError(this.id, "index", thrown);
    }
    this.#takeLabels();
    return true;
  }

  #readEntry(offset: number): Promise<void> | undefined {
    const window = this.#indexWindow;
    if (window.has(offset, 1)) {
      const used = this.#entry.read(window.data, offset - window.start);
      if (used > 0) return undefined;
    }
    return this.#readEntrySlowly(offset);
  }

  async #readEntrySlowly(offset: number): Promise<void> {
    const window = this.#indexWindow;
    let need = seriesBytes;
    for (let tries = 0; tries < 4; tries++) {
      await window.move(offset, Math.min(need, window.size - offset));
      const used = this.#entry.read(window.data, offset - window.start);
      if (used > 0) return;
      if (offset - used > window.size) break;
      need = Math.max(need, -used);
    }
    throw this.#cutOff();
  }

  #cutOff(): SourceBlockError {
    return new SourceBlockError(this.id, "block-index-damaged", "series is cut off");
  }

  #takeLabels(): void {
    const entry = this.#entry;
    const count = entry.labelCount;
    const before = this.labels;
    this.labels = this.#previous;
    this.#previous = before;
    this.#previousCount = this.#at === this.#from ? -1 : this.labelCount;
    if (this.labels.length < 2 * count) this.labels = new Uint32Array(4 * count);
    this.#numberLabels(entry, this.labels);
    this.labelCount = count;
    this.#checkLabels();
  }

  #numberLabels({ labels, labelCount }: SeriesEntry, out: Uint32Array): void {
    const place = this.#place!;
    for (let i = 0; i < 2 * labelCount; i++) {
      const ref = labels[i]!;
      const known = this.#numbered && ref < place.length;
      out[i] = place[known ? ref : this.symbols.ordinal(ref)]!;
    }
  }

  #checkLabels(): void {
    const malformed = (what: string): SourceBlockError =>
      new SourceBlockError(this.id, "block-malformed", what);
    if (this.labelCount === 0) throw malformed("empty label set");
    const labels = this.labels;
    if (this.#previousCount >= 0) {
      const order = compareNumbers(this.#previous, this.#previousCount, labels, this.labelCount);
      if (order >= 0) throw malformed("series out of order");
    }
    for (let i = 2; i < 2 * this.labelCount; i += 2) {
      if (labels[i]! > labels[i - 2]!) continue;
      if (!this.#acceptMalformed) throw malformed("out-of-order label set");
    }
    if (this.#entry.chunkCount === 0) throw malformed("series without chunks");
    if (!this.#unchecked) this.#checkChunks(malformed);
  }

  /** What Thanos calls critical, and chunks that are out of order. */
  #checkChunks(malformed: (what: string) => SourceBlockError): void {
    const { minTimes, maxTimes, chunkCount } = this.#entry;
    const { minTime, maxTime } = this.meta;
    let plain = this.#tombstones.size === 0 || !this.#tombstones.has(this.#refs[this.#at]!);
    for (let i = 0; i < chunkCount; i++) {
      const from = minTimes[i]!;
      const to = maxTimes[i]!;
      if (from < minTime || to >= maxTime) {
        plain = false;
        if ((from < minTime || to > maxTime) && from !== maxTime) {
          throw malformed(`chunk outside the block time range: ${from} to ${to}`);
        }
      }
      if (i === 0 || from > maxTimes[i - 1]!) continue;
      plain = false;
      // The same range twice is a chunk that was written twice.
      if (from === minTimes[i - 1] && to === maxTimes[i - 1]) continue;
      const text = "series has chunks that are out of order";
      throw new SourceBlockError(this.id, "block-index-out-of-order-chunk", text);
    }
    this.plain = plain;
  }

  /** Times of the first and the last sample of a plain series. */
  get firstTime(): number {
    return this.#entry.minTimes[0]!;
  }

  get lastTime(): number {
    return this.#entry.maxTimes[this.#entry.chunkCount - 1]!;
  }

  /** The place of the present series among those of the block. */
  get place(): number {
    return this.#at;
  }

  /** Where the present series lies in the index, and its entry (reused by the next). */
  get offset(): number {
    return this.#index.seriesOffset(this.#refs[this.#at]!);
  }

  get entry(): SeriesEntry {
    return this.#entry;
  }

  /** Deleted intervals of the present series. */
  get deleted(): readonly Interval[] {
    return this.#tombstones.get(this.#refs[this.#at]!) ?? [];
  }

  /**
   * Reads the chunks of the present series that lie in the block's time, each checked by its checksum. A promise only
   * where bytes must be fetched.
   */
  chunksInto(out: SourceChunk[]): undefined | Promise<void> {
    return this.#segments.chunksInto(out);
  }

  /**
   * Copies the chunks of the present series, which is `plain`, to the end of `out`, frames as they are, each checked by
   * its checksum. A promise only where bytes must be fetched or written.
   */
  copyChunks(out: OutputBlock): undefined | Promise<void> {
    return this.#segments.copyChunks(out);
  }
}
