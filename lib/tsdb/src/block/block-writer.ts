// Writes a block: series in order in, a complete folder out.
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ChunkEncoding, compareLabels, compareStrings, type Labels } from "@deucalion/model";
import type { EncodedChunk } from "../chunk/encode-samples.ts";
import { TsdbError } from "../errors.ts";
import { type ChunkMeta, IndexWriter } from "../index/index-writer.ts";
import { syncDirectory } from "./durable-files.ts";
import { type BlockCompaction, type BlockMeta, type ThanosMeta, writeBlockMeta } from "./meta.ts";
import { SegmentWriter, segmentBytesMax } from "./segment-writer.ts";
import { writeTombstones } from "./tombstones.ts";

export interface BlockWriterOptions {
  readonly ulid: string;
  /** Milliseconds, [minTime, maxTime). */
  readonly minTime: number;
  readonly maxTime: number;
  /** Default: level 1 with the block itself as its source. */
  readonly compaction?: BlockCompaction;
  readonly thanos?: ThanosMeta;
  /** Write an empty tombstones file, as Prometheus does in its own folder. */
  readonly emptyTombstones?: boolean;
  readonly segmentBytesMax?: number;
}

/**
 * Builds a block in `<parent>/<ulid>.tmp-for-creation` and renames it to `<parent>/<ulid>` when it is complete. Chunks go
 * to disk at once; labels (as numbers) and chunk references are kept until `finish`.
 */
export class BlockWriter {
  readonly #parent: string;
  readonly #folder: string;
  readonly #options: BlockWriterOptions;
  readonly #segments: SegmentWriter;
  /** Prometheus' tables begin with the empty string, the name of the list of all series. */
  readonly #symbolOf = new Map([["", 0]]);
  readonly #labels = new Column(Uint32Array);
  readonly #labelEnds = new Column(Uint32Array);
  readonly #chunks = new Column(Float64Array);
  readonly #chunkEnds = new Column(Uint32Array);
  #lastLabels: Labels | null = null;
  #floats = 0;
  #histograms = 0;
  #samples = 0;

  private constructor(parent: string, options: BlockWriterOptions) {
    this.#parent = parent;
    this.#options = options;
    this.#folder = join(parent, `${options.ulid}.tmp-for-creation`);
    this.#segments = new SegmentWriter(this.#folder, options.segmentBytesMax ?? segmentBytesMax);
  }

  /** Makes the temporary folder; one left over from before is removed. */
  static async create(parent: string, options: BlockWriterOptions): Promise<BlockWriter> {
    const writer = new BlockWriter(parent, options);
    await rm(writer.#folder, { recursive: true, force: true });
    await mkdir(writer.#folder, { recursive: true });
    return writer;
  }

  get seriesCount(): number {
    return this.#labelEnds.length;
  }

  /** Adds a series with its chunks, ascending and free of overlap. Series ascend by labels. Throws TSDB_INDEX_ORDER. */
  async addSeries(labels: Labels, chunks: readonly EncodedChunk[]): Promise<void> {
    if (this.#lastLabels !== null && compareLabels(this.#lastLabels, labels) >= 0) {
      throw new TsdbError("TSDB_INDEX_ORDER", `out-of-order series added: ${labels.toString()}`);
    }
    this.#lastLabels = labels;
    const refs = await this.#segments.add(chunks);
    for (const text of labels.pairs) {
      let symbol = this.#symbolOf.get(text);
      if (symbol === undefined) {
        symbol = this.#symbolOf.size;
        this.#symbolOf.set(text, symbol);
      }
      this.#labels.push(symbol);
    }
    this.#labelEnds.push(this.#labels.length);
    for (const [i, chunk] of chunks.entries()) {
      this.#chunks.push(chunk.minTime);
      this.#chunks.push(chunk.maxTime);
      this.#chunks.push(refs[i]!);
      this.#samples += chunk.sampleCount;
      if (chunk.encoding === ChunkEncoding.xor || chunk.encoding === ChunkEncoding.xor2) {
        this.#floats += chunk.sampleCount;
      } else if (chunk.encoding !== ChunkEncoding.aggregated) {
        this.#histograms += chunk.sampleCount;
      }
    }
    this.#chunkEnds.push(this.#chunks.length);
  }

  /** Writes index and meta.json, syncs and renames. Returns the meta. */
  async finish(): Promise<BlockMeta> {
    const meta = await this.place();
    await syncDirectory(this.#parent);
    return meta;
  }

  /** The same but for the folder's entry: its parent is still to be synced before what the block stands for goes. */
  async place(): Promise<BlockMeta> {
    await this.#segments.finish();
    await this.#writeIndex();
    const meta = this.#meta();
    if (this.#options.emptyTombstones) await writeTombstones(this.#folder, new Map());
    await writeBlockMeta(this.#folder, meta);
    const folder = join(this.#parent, this.#options.ulid);
    await rename(this.#folder, folder);
    return meta;
  }

  #meta(): BlockMeta {
    const { ulid, minTime, maxTime, compaction, thanos } = this.#options;
    const stats = {
      ...(this.#samples > 0 ? { numSamples: this.#samples } : {}),
      ...(this.#floats > 0 ? { numFloatSamples: this.#floats } : {}),
      ...(this.#histograms > 0 ? { numHistogramSamples: this.#histograms } : {}),
      ...(this.seriesCount > 0 ? { numSeries: this.seriesCount } : {}),
      ...(this.#chunks.length > 0 ? { numChunks: this.#chunks.length / 3 } : {}),
    };
    return {
      ulid,
      minTime,
      maxTime,
      stats,
      compaction: compaction ?? { level: 1, sources: [ulid] },
      version: 1,
      ...(thanos === undefined ? {} : { thanos }),
    };
  }

  async #writeIndex(): Promise<void> {
    const symbols = [...this.#symbolOf.keys()].sort(compareStrings);
    const place = new Uint32Array(symbols.length);
    for (const [i, text] of symbols.entries()) place[this.#symbolOf.get(text)!] = i;
    const index = await IndexWriter.create(join(this.#folder, "index"), symbols);
    const labels = this.#labels.view();
    const chunks = this.#chunks.view();
    let label = 0;
    let chunk = 0;
    try {
      for (let series = 0; series < this.seriesCount; series++) {
        const ordinals: number[] = [];
        const metas: ChunkMeta[] = [];
        for (const end = this.#labelEnds.at(series); label < end; label++) {
          ordinals.push(place[labels[label]!]!);
        }
        for (const end = this.#chunkEnds.at(series); chunk < end; chunk += 3) {
          metas.push({
            minTime: chunks[chunk]!,
            maxTime: chunks[chunk + 1]!,
            ref: chunks[chunk + 2]!,
          });
        }
        await index.addSeries(ordinals, metas);
      }
    } catch (thrown) {
      await index.abandon();
      throw thrown;
    }
    await index.finish();
  }

  /** Closes the files and removes the temporary folder. */
  async abandon(): Promise<void> {
    await this.#segments.abandon();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A typed array that grows. */
class Column<T extends Uint32Array | Float64Array> {
  #data: T;
  readonly #make: new (
    length: number,
  ) => T;
  length = 0;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.#data = new make(1024);
  }

  push(value: number): void {
    if (this.length === this.#data.length) {
      const larger = new this.#make(2 * this.length);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.length++] = value;
  }

  at(index: number): number {
    return this.#data[index]!;
  }

  view(): T {
    return this.#data;
  }
}

/** Writes a block of a stream of series, ordered by labels. A failure leaves nothing behind. */
export async function writeBlock(
  parent: string,
  options: BlockWriterOptions,
  series:
    | AsyncIterable<{ labels: Labels; chunks: readonly EncodedChunk[] }>
    | Iterable<{ labels: Labels; chunks: readonly EncodedChunk[] }>,
): Promise<BlockMeta> {
  const writer = await BlockWriter.create(parent, options);
  try {
    for await (const { labels, chunks } of series) await writer.addSeries(labels, chunks);
    return await writer.finish();
  } catch (thrown) {
    await writer.abandon();
    throw thrown;
  }
}
