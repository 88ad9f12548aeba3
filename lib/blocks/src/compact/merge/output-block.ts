// Writes a block whose symbols are known beforehand: chunks and index go to disk as the series come.
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ByteWriter } from "@deucalion/base";
import { ChunkEncoding } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import {
  AppendFile,
  appendChunkFrame,
  ChunkPlaces,
  encodeSegmentHeader,
  IndexWriter,
  segmentBytesMax,
  segmentHeaderBytes,
} from "@deucalion/tsdb";
import type { BlockStats } from "../../meta/block-meta.ts";
import { ContentDigest } from "./content-digest.ts";
import {
  PartIndexReader,
  PartIndexWriter,
  type SeriesSink,
  type WrittenPartIndex,
} from "./part-index.ts";
import type { SourceChunk } from "./source-chunk.ts";

/** A chunk segment as it was written. */
export interface WrittenSegment {
  /** `000001`, … */
  readonly name: string;
  readonly bytes: number;
  /** CRC-32 of the whole file. */
  readonly checksum: number;
}

/** What was written, to be compared with what is read back. */
export interface WrittenBlock {
  readonly stats: BlockStats;
  /** Of series, chunks and their places: `ContentDigest`. */
  readonly digest: string;
  readonly segments: readonly WrittenSegment[];
}

/** A range of a block's series that was written on its own, to become part of the block by `adopt`. */
export interface WrittenPart {
  /** Holds `series` (the part's index) and `chunks/`. */
  readonly dir: string;
  readonly index: WrittenPartIndex;
  readonly segments: readonly WrittenSegment[];
  readonly samples: number;
  readonly floats: number;
  readonly histograms: number;
}

export interface OutputOptions {
  /** Bytes of a chunk segment at most. */
  readonly segmentBytes?: number;
  /** Whether the files themselves become the objects (`Bucket.takesFiles`): they go to the disk while they are written. */
  readonly early?: boolean;
}

/** For a block that goes to `bucket` when it is done. */
export function earlyIn(bucket: Bucket): OutputOptions {
  return { early: bucket.takesFiles === true };
}

/** Series after which `adopt` looks whether it is to end. */
const seriesEachTurn = 4096;
const partIndexName = "series";

function segmentName(segment: number): string {
  return String(segment + 1).padStart(6, "0");
}

/**
 * Builds `<dir>/index` and `<dir>/chunks/`; meta.json is the caller's. Nothing is synced: `dir` is scratch, and what is
 * uploaded from it is made durable where it goes.
 */
export class OutputBlock {
  readonly dir: string;
  readonly #index: SeriesSink;
  readonly #segmentBytes: number;
  readonly #early: boolean;
  readonly #digest = new ContentDigest();
  readonly #framed = new ByteWriter(1 << 14);
  readonly #places = new ChunkPlaces();
  #file: AppendFile | null = null;
  #segment = -1;
  readonly #segments: WrittenSegment[] = [];
  #samples = 0;
  #floats = 0;
  #histograms = 0;

  private constructor(dir: string, index: SeriesSink, options: OutputOptions) {
    this.dir = dir;
    this.#index = index;
    this.#segmentBytes = options.segmentBytes ?? segmentBytesMax;
    this.#early = options.early === true;
  }

  /** Makes the folder anew. `symbols` ascend by bytes. */
  static async create(
    dir: string,
    symbols: readonly string[],
    options: OutputOptions = {},
  ): Promise<OutputBlock> {
    await rm(dir, { recursive: true, force: true });
    return OutputBlock.createIn(dir, symbols, options);
  }

  /** As `create`, in a folder without index and chunks. */
  static async createIn(
    dir: string,
    symbols: readonly string[],
    options: OutputOptions = {},
  ): Promise<OutputBlock> {
    await mkdir(join(dir, "chunks"), { recursive: true });
    const index = await IndexWriter.create(join(dir, "index"), symbols);
    return new OutputBlock(dir, index, options);
  }

  /** As `create`, for a part: ends with `finishPart`. Numbers of symbols are those of the whole block. */
  static async createPart(dir: string, options: OutputOptions = {}): Promise<OutputBlock> {
    await rm(dir, { recursive: true, force: true });
    await mkdir(join(dir, "chunks"), { recursive: true });
    const index = await PartIndexWriter.create(join(dir, partIndexName));
    return new OutputBlock(dir, index, options);
  }

  /** Samples in all chunks so far; for downsampled chunks those of their count. */
  get samples(): number {
    return this.#samples;
  }

  /** Appends a series; `labels` are numbers of symbols, `count` pairs. Chunks ascend and do not overlap. */
  async addSeries(
    labels: Uint32Array,
    count: number,
    chunks: readonly SourceChunk[],
  ): Promise<void> {
    const framed = this.#framed;
    for (let i = 0; i < chunks.length; i++) {
      const { data, frameStart, frameEnd, minTime, maxTime, encoding, sampleCount } = chunks[i]!;
      let waiting: undefined | Promise<void>;
      if (frameEnd === frameStart) {
        const { offset, length } = chunks[i]!;
        framed.reset();
        appendChunkFrame(framed, encoding, data.subarray(offset, offset + length));
        if (!this.hasRoom(framed.length)) await this.cut();
        this.note(minTime, maxTime, encoding, sampleCount, 0);
        waiting = this.appendFrames(framed.data, 0, framed.length);
      } else {
        if (!this.hasRoom(frameEnd - frameStart)) await this.cut();
        this.note(minTime, maxTime, encoding, sampleCount, 0);
        waiting = this.appendFrames(data, frameStart, frameEnd);
      }
      if (waiting !== undefined) await waiting;
    }
    const waiting = this.endSeries(labels, count);
    if (waiting !== undefined) await waiting;
  }

  /** True if the present segment takes that many bytes more; else `cut` must come first. */
  hasRoom(bytes: number): boolean {
    const file = this.#file;
    if (file === null) return false;
    return file.size === segmentHeaderBytes || file.size + bytes <= this.#segmentBytes;
  }

  /** Begins the next segment. */
  async cut(): Promise<void> {
    await this.#endSegment();
    this.#segment++;
    const name = segmentName(this.#segment);
    const file = await AppendFile.create(join(this.dir, "chunks", name), this.#early);
    this.#file = file;
    await file.append(encodeSegmentHeader());
  }

  /**
   * Notes a chunk of the present series whose frame will lie `ahead` bytes behind what is in the segment now. Chunks of a
   * series ascend and do not overlap.
   */
  note(
    minTime: number,
    maxTime: number,
    encoding: number,
    sampleCount: number,
    ahead: number,
  ): void {
    this.#places.push(minTime, maxTime, this.#segment * 4294967296 + this.#file!.size + ahead);
    this.#samples += sampleCount;
    if (encoding === ChunkEncoding.xor || encoding === ChunkEncoding.xor2) {
      this.#floats += sampleCount;
    } else if (encoding !== ChunkEncoding.aggregated) this.#histograms += sampleCount;
  }

  /** Copies whole frames, one behind the other, for which there is room. A promise only where it must wait. */
  appendFrames(data: Uint8Array, from: number, to: number): undefined | Promise<void> {
    return this.#file!.append(data.subarray(from, to));
  }

  /** Ends a series all of whose chunks were noted and appended; `labels` are numbers of symbols, `count` pairs. */
  endSeries(labels: Uint32Array, count: number): undefined | Promise<void> {
    const waiting = this.#addPlaces(labels, count, this.#places);
    this.#places.reset();
    return waiting;
  }

  #addPlaces(labels: Uint32Array, count: number, places: ChunkPlaces): undefined | Promise<void> {
    const { minTimes, maxTimes, refs } = places;
    this.#digest.addSeries(labels, count);
    for (let i = 0; i < places.count; i++) {
      this.#digest.addChunk(minTimes[i]!, maxTimes[i]!, refs[i]!);
    }
    return this.#index.add(labels, count, places);
  }

  async #endSegment(): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    this.#file = null;
    const name = segmentName(this.#segment);
    await file.finish(false);
    this.#segments.push({ name, bytes: file.size, checksum: file.checksum });
  }

  /** Writes what is left. */
  async finish(): Promise<WrittenBlock> {
    await this.#endSegment();
    await this.#index.finish(false);
    const { series, chunks } = this.#digest;
    const samples = this.#samples;
    return {
      stats: {
        ...(samples > 0 ? { numSamples: samples } : {}),
        ...(this.#floats > 0 ? { numFloatSamples: this.#floats } : {}),
        ...(this.#histograms > 0 ? { numHistogramSamples: this.#histograms } : {}),
        ...(series > 0 ? { numSeries: series } : {}),
        ...(chunks > 0 ? { numChunks: chunks } : {}),
      },
      digest: this.#digest.text,
      segments: this.#segments,
    };
  }

  /** Ends a part. */
  async finishPart(): Promise<WrittenPart> {
    await this.#endSegment();
    const index = (await this.#index.finish(false)) as WrittenPartIndex;
    return {
      dir: this.dir,
      index,
      segments: this.#segments,
      samples: this.#samples,
      floats: this.#floats,
      histograms: this.#histograms,
    };
  }

  /**
   * Takes over a part whose series come after all that were added: its segments are renamed and numbered behind those
   * that are there, its series are added. Throws BLOCKS_RESULT where it does not read back as it was written.
   */
  async adopt(part: WrittenPart, signal: AbortSignal): Promise<void> {
    await this.#endSegment();
    const base = (this.#segment + 1) * 4294967296;
    for (const { name, bytes, checksum } of part.segments) {
      const own = segmentName(++this.#segment);
      await rename(join(part.dir, "chunks", name), join(this.dir, "chunks", own));
      this.#segments.push({ name: own, bytes, checksum });
    }
    const reader = await PartIndexReader.open(join(part.dir, partIndexName), part.index);
    try {
      for (let series = 1; ; series++) {
        const more = reader.next();
        if (!(typeof more === "boolean" ? more : await more)) break;
        const { refs, count } = reader.chunks;
        for (let i = 0; i < count; i++) refs[i] = refs[i]! + base;
        const waiting = this.#addPlaces(reader.labels, reader.labelCount, reader.chunks);
        if (waiting !== undefined) await waiting;
        if (series % seriesEachTurn === 0) signal.throwIfAborted();
      }
    } finally {
      await reader.close();
    }
    this.#samples += part.samples;
    this.#floats += part.floats;
    this.#histograms += part.histograms;
    await rm(part.dir, { recursive: true });
  }

  /** Closes files and removes the folder. */
  async abandon(): Promise<void> {
    await this.#file?.abandon().catch(() => undefined);
    this.#file = null;
    await this.#index.abandon().catch(() => undefined);
    await rm(this.dir, { recursive: true, force: true });
  }
}
