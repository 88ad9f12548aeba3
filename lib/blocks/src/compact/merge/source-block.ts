// A block that is compacted: its series in order, one at a time, read from the bucket in large pieces.
import { type ChunkMemory, crc32c } from "@deucalion/kernels";
import { ChunkEncoding } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import {
  checkSegmentHeader,
  decodeTombstones,
  IndexReader,
  type Interval,
  SeriesEntry,
  type Symbols,
  segmentHeaderBytes,
  type Tombstones,
} from "@deucalion/tsdb";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { listBlockObjects, objectRanges, segmentNames } from "./block-objects.ts";
import { FrameReader } from "./frame-reader.ts";
import type { OutputBlock } from "./output-block.ts";
import { countChunkSamples, type SourceChunk } from "./source-chunk.ts";
import { SourceBlockError, sourceError } from "./source-error.ts";
import { WindowReader } from "./window-reader.ts";

const segmentSize = 4_294_967_296;
/** Bytes that are asked for at a chunk whose length is not known. */
const guessBytes = 4096;
const seriesBytes = 16 * 1024;
const knownEncodings: ReadonlySet<number> = new Set([
  ...Object.values(ChunkEncoding).filter((encoding) => encoding !== ChunkEncoding.none),
]);

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
  readonly #indexWindow: WindowReader;
  readonly #segments: readonly WindowReader[];
  readonly #tombstones: Tombstones;
  readonly #acceptMalformed: boolean;
  readonly #unchecked: boolean;
  /** References are numbers of symbols (version 2), not positions. */
  readonly #numbered: boolean;
  readonly #entry = new SeriesEntry();
  readonly #frame: FrameReader;
  #at = -1;
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
    this.#indexWindow = indexWindow;
    this.#segments = segments;
    this.#tombstones = tombstones;
    this.#acceptMalformed = options.acceptMalformedIndex;
    this.#unchecked = options.unchecked === true;
    this.#numbered = index.version !== 1;
    const { memory } = options;
    this.#frame = new FrameReader(memory === undefined ? crc32c : memory.crc32c);
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
        const size = objects.get(name)!;
        const reader = open(name, size);
        await reader.move(0, Math.min(size, segmentHeaderBytes));
        try {
          checkSegmentHeader(reader.data);
        } catch (thrown) {
          throw sourceError(id, "chunks", thrown);
        }
        segments.push(reader);
      }
      const tombstones = objects.has("tombstones")
        ? decodeTombstones(await bucket.get(`${id}/tombstones`, signal))
        : new Map<number, readonly Interval[]>();
      const window = open("index", indexSize);
      return new SourceBlock(meta, index, refs, window, segments, tombstones, options);
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

  /**
   * Moves to the next series; false at the end. A promise only where bytes must be fetched: there are millions of
   * calls, and few of them wait.
   */
  next(): boolean | Promise<boolean> {
    this.#at++;
    this.#indexWindow.recycle();
    for (let i = 0; i < this.#segments.length; i++) this.#segments[i]!.recycle();
    if (this.#at >= this.#refs.length) return false;
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
    throw new SourceBlockError(this.id, "block-index-damaged", "series is cut off");
  }

  #takeLabels(): void {
    const entry = this.#entry;
    const count = entry.labelCount;
    const before = this.labels;
    this.labels = this.#previous;
    this.#previous = before;
    this.#previousCount = this.#at === 0 ? -1 : this.labelCount;
    if (this.labels.length < 2 * count) this.labels = new Uint32Array(4 * count);
    const labels = this.labels;
    const place = this.#place!;
    for (let i = 0; i < 2 * count; i++) {
      const ref = entry.labels[i]!;
      const known = this.#numbered && ref < place.length;
      labels[i] = place[known ? ref : this.symbols.ordinal(ref)]!;
    }
    this.labelCount = count;
    this.#checkLabels();
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
    const entry = this.#entry;
    for (let i = 0; i < entry.chunkCount; i++) {
      try {
        if (!this.#chunkInto(i, out)) return this.#chunksSlowly(i, out);
      } catch (thrown) {
        throw sourceError(this.id, "chunks", thrown);
      }
    }
    return undefined;
  }

  async #chunksSlowly(from: number, out: SourceChunk[]): Promise<void> {
    for (let i = from; i < this.#entry.chunkCount; i++) {
      try {
        if (this.#chunkInto(i, out)) continue;
        const ref = this.#entry.refs[i]!;
        const offset = ref % segmentSize;
        const reader = this.#segments[Math.floor(ref / segmentSize)]!;
        const used = await this.#readFrameSlowly(reader, offset);
        out.push(this.#chunk(reader, offset - reader.start, used, i));
      } catch (thrown) {
        throw sourceError(this.id, "chunks", thrown);
      }
    }
  }

  /** Takes a chunk that is in its segment's window; false where bytes must be fetched. */
  #chunkInto(index: number, out: SourceChunk[]): boolean {
    const entry = this.#entry;
    // A chunk that begins where the block ends is in the next block as well.
    if (entry.minTimes[index]! >= this.meta.maxTime && !this.#unchecked) return true;
    const ref = entry.refs[index]!;
    const segment = Math.floor(ref / segmentSize);
    const reader = this.#segments[segment];
    if (reader === undefined) throw this.#chunkError(`segment index ${segment} out of range`);
    const offset = ref - segment * segmentSize;
    if (!reader.has(offset, 1)) return false;
    const used = this.#frame.read(reader.data, offset - reader.start);
    if (used <= 0) return false;
    out.push(this.#chunk(reader, offset - reader.start, used, index));
    return true;
  }

  #chunk(reader: WindowReader, at: number, used: number, index: number): SourceChunk {
    const { encoding, offset, length } = this.#frame;
    if (!knownEncodings.has(encoding)) throw this.#chunkError(`chunk encoding ${encoding}`);
    const data = reader.data;
    return {
      minTime: this.#entry.minTimes[index]!,
      maxTime: this.#entry.maxTimes[index]!,
      encoding,
      data,
      offset,
      length,
      frameStart: at,
      frameEnd: at + used,
      sampleCount: countChunkSamples(encoding, data, offset, length),
    };
  }

  async #readFrameSlowly(reader: WindowReader, offset: number): Promise<number> {
    if (offset < segmentHeaderBytes || offset >= reader.size) {
      throw this.#chunkError("segment doesn't include the chunk");
    }
    let need = guessBytes;
    for (let tries = 0; tries < 4; tries++) {
      await reader.move(offset, Math.min(need, reader.size - offset));
      const used = this.#frame.read(reader.data, offset - reader.start);
      if (used > 0) return used;
      if (offset - used > reader.size) break;
      need = Math.max(need, -used);
    }
    throw this.#chunkError("segment doesn't include enough bytes to read the chunk");
  }

  /**
   * Copies the chunks of the present series, which is `plain`, to the end of `out`, frames as they are, each checked by
   * its checksum. A promise only where bytes must be fetched or written.
   */
  copyChunks(out: OutputBlock): undefined | Promise<void> {
    return this.#copyFrom(0, out);
  }

  #copyFrom(first: number, out: OutputBlock): undefined | Promise<void> {
    const { refs, minTimes, maxTimes, chunkCount } = this.#entry;
    const frame = this.#frame;
    for (let i = first; i < chunkCount; ) {
      const segment = Math.floor(refs[i]! / segmentSize);
      const reader = this.#segments[segment];
      if (reader === undefined) throw this.#chunkError(`segment index ${segment} out of range`);
      const base = segment * segmentSize + reader.start;
      const data = reader.data;
      // Frames that lie one behind the other are copied at once.
      const from = refs[i]! - base;
      let to = from;
      if (from < 0) return this.#fetchAndCopy(i, out);
      while (i < chunkCount && refs[i]! - base === to && to < data.length) {
        const used = this.#readFrame(data, to);
        if (used <= 0 || !out.hasRoom(to - from + used)) break;
        const { encoding, offset, length } = frame;
        const samples = countChunkSamples(encoding, data, offset, length);
        out.note(minTimes[i]!, maxTimes[i]!, encoding, samples, to - from);
        to += used;
        i++;
      }
      if (to === from) return this.#fetchAndCopy(i, out);
      const waiting = out.appendFrames(data, from, to);
      if (waiting !== undefined) return this.#copyLater(waiting, i, out);
    }
    return undefined;
  }

  #readFrame(data: Uint8Array, at: number): number {
    try {
      const used = this.#frame.read(data, at);
      if (used > 0 && !knownEncodings.has(this.#frame.encoding)) {
        throw this.#chunkError(`chunk encoding ${this.#frame.encoding}`);
      }
      return used;
    } catch (thrown) {
      throw sourceError(this.id, "chunks", thrown);
    }
  }

  async #copyLater(waiting: Promise<void>, first: number, out: OutputBlock): Promise<void> {
    await waiting;
    const more = this.#copyFrom(first, out);
    if (more !== undefined) await more;
  }

  /** Makes room for the frame of chunk `index`, gets its bytes, and goes on. */
  async #fetchAndCopy(index: number, out: OutputBlock): Promise<void> {
    const ref = this.#entry.refs[index]!;
    const segment = Math.floor(ref / segmentSize);
    const used = await this.#fetchFrame(this.#segments[segment]!, ref - segment * segmentSize);
    if (!out.hasRoom(used)) await out.cut();
    const more = this.#copyFrom(index, out);
    if (more !== undefined) await more;
  }

  async #fetchFrame(reader: WindowReader, offset: number): Promise<number> {
    try {
      if (reader.has(offset, 1)) {
        const used = this.#frame.read(reader.data, offset - reader.start);
        if (used > 0) return used;
      }
      return await this.#readFrameSlowly(reader, offset);
    } catch (thrown) {
      throw sourceError(this.id, "chunks", thrown);
    }
  }

  #chunkError(text: string): SourceBlockError {
    return new SourceBlockError(this.id, "block-chunk-damaged", text);
  }
}

/** Compares label sets given as numbers of symbols of one table. */
export function compareNumbers(
  a: Uint32Array,
  aCount: number,
  b: Uint32Array,
  bCount: number,
): number {
  const length = 2 * Math.min(aCount, bCount);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return aCount - bCount;
}
