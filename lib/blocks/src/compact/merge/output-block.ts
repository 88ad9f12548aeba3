// Writes a block whose symbols are known beforehand: chunks and index go to disk as the series come.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ByteWriter } from "@deucalion/base";
import { ChunkEncoding } from "@deucalion/model";
import {
  AppendFile,
  appendChunkFrame,
  type ChunkMeta,
  encodeSegmentHeader,
  IndexWriter,
  segmentBytesMax,
  segmentHeaderBytes,
  syncDirectory,
} from "@deucalion/tsdb";
import type { BlockStats } from "../../meta/block-meta.ts";
import { ContentDigest } from "./content-digest.ts";
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

/** Builds `<dir>/index` and `<dir>/chunks/`; meta.json is the caller's. */
export class OutputBlock {
  readonly dir: string;
  readonly #index: IndexWriter;
  readonly #segmentBytes: number;
  readonly #digest = new ContentDigest();
  readonly #framed = new ByteWriter(1 << 14);
  #file: AppendFile | null = null;
  #segment = -1;
  #checksum = 0;
  readonly #segments: WrittenSegment[] = [];
  #samples = 0;
  #floats = 0;
  #histograms = 0;

  private constructor(dir: string, index: IndexWriter, segmentBytes: number) {
    this.dir = dir;
    this.#index = index;
    this.#segmentBytes = segmentBytes;
  }

  /** Makes the folder anew. `symbols` ascend by bytes. */
  static async create(
    dir: string,
    symbols: readonly string[],
    segmentBytes = segmentBytesMax,
  ): Promise<OutputBlock> {
    await rm(dir, { recursive: true, force: true });
    await mkdir(join(dir, "chunks"), { recursive: true });
    return new OutputBlock(
      dir,
      await IndexWriter.create(join(dir, "index"), symbols),
      segmentBytes,
    );
  }

  /** Appends a series; `labels` are numbers of symbols, `count` pairs. Chunks ascend and do not overlap. */
  async addSeries(
    labels: Uint32Array,
    count: number,
    chunks: readonly SourceChunk[],
  ): Promise<void> {
    this.#digest.addSeries(labels, count);
    const metas = await this.#writeChunks(chunks);
    await this.#index.addSeries(Array.from(labels.subarray(0, 2 * count)), metas);
  }

  async #writeChunks(chunks: readonly SourceChunk[]): Promise<ChunkMeta[]> {
    const framed = this.#framed;
    framed.reset();
    const starts: number[] = [];
    let bytes = 0;
    for (const chunk of chunks) {
      starts.push(framed.length);
      if (chunk.frameEnd === chunk.frameStart) {
        const { data, offset, length } = chunk;
        const part = data.subarray(offset, offset + length);
        bytes += appendChunkFrame(framed, chunk.encoding, part);
      } else bytes += chunk.frameEnd - chunk.frameStart;
    }
    let file = this.#file;
    if (file === null || (file.size > segmentHeaderBytes && file.size + bytes > this.#segmentBytes))
      file = await this.#cut();
    const metas: ChunkMeta[] = [];
    let at = this.#segment * 4294967296 + file.size;
    for (let i = 0; i < chunks.length; ) {
      const { data, frameStart } = chunks[i]!;
      // Frames that lie one behind the other are copied at once.
      let end = i;
      let stop = frameStart;
      if (chunks[i]!.frameEnd === frameStart) {
        const from = starts[i]!;
        const to = starts[i + 1] ?? framed.length;
        this.#note(chunks[i]!, at, metas);
        at += to - from;
        await this.#append(file, framed.data.subarray(from, to));
        i++;
        continue;
      }
      while (
        end < chunks.length &&
        chunks[end]!.data === data &&
        chunks[end]!.frameStart === stop
      ) {
        const chunk = chunks[end]!;
        if (chunk.frameEnd === chunk.frameStart) break;
        this.#note(chunk, at, metas);
        at += chunk.frameEnd - chunk.frameStart;
        stop = chunk.frameEnd;
        end++;
      }
      await this.#append(file, data.subarray(frameStart, stop));
      i = end;
    }
    return metas;
  }

  async #append(file: AppendFile, data: Uint8Array): Promise<void> {
    this.#checksum = crc32(data, this.#checksum);
    await file.append(data);
  }

  #note(chunk: SourceChunk, ref: number, metas: ChunkMeta[]): void {
    this.#digest.addChunk(chunk.minTime, chunk.maxTime, ref);
    this.#samples += chunk.sampleCount;
    const { encoding, sampleCount } = chunk;
    if (encoding === ChunkEncoding.xor || encoding === ChunkEncoding.xor2) {
      this.#floats += sampleCount;
    } else if (encoding !== ChunkEncoding.aggregated) this.#histograms += sampleCount;
    metas.push({ minTime: chunk.minTime, maxTime: chunk.maxTime, ref });
  }

  async #cut(): Promise<AppendFile> {
    await this.#endSegment();
    this.#segment++;
    const name = String(this.#segment + 1).padStart(6, "0");
    const file = await AppendFile.create(join(this.dir, "chunks", name));
    this.#file = file;
    this.#checksum = 0;
    await this.#append(file, encodeSegmentHeader());
    return file;
  }

  async #endSegment(): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    this.#file = null;
    const name = String(this.#segment + 1).padStart(6, "0");
    this.#segments.push({ name, bytes: file.size, checksum: this.#checksum });
    await file.finish();
  }

  /** Writes what is left and syncs. */
  async finish(): Promise<WrittenBlock> {
    await this.#endSegment();
    await this.#index.finish();
    await syncDirectory(join(this.dir, "chunks"));
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

  /** Closes files and removes the folder. */
  async abandon(): Promise<void> {
    await this.#file?.abandon().catch(() => undefined);
    this.#file = null;
    await this.#index.abandon().catch(() => undefined);
    await rm(this.dir, { recursive: true, force: true });
  }
}
