// A block of a bucket becomes a block of a coarser resolution in a local folder.
import { setImmediate } from "node:timers/promises";
import { ChunkEncoding, SampleColumns } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { decodeChunkInto } from "@deucalion/tsdb";
import { OutputBlock, type WrittenBlock } from "../compact/merge/output-block.ts";
import { SourceBlock } from "../compact/merge/source-block.ts";
import type { SourceChunk } from "../compact/merge/source-chunk.ts";
import { SourceBlockError, sourceError } from "../compact/merge/source-error.ts";
import type { BlockMeta } from "../meta/block-meta.ts";
import { resolutionsMs } from "../plan/compaction-ranges.ts";
import { AggregateDownsampler, keepLive } from "./downsample-aggregates.ts";
import { downsampleRaw } from "./downsample-raw.ts";
import { FloatWindows } from "./float-windows.ts";

const seriesEachTurn = 64;
const windowBytes = 2 * 1024 * 1024;

/** Writes index and chunks of the coarser block to `dir`. Throws SourceBlockError where the source is at fault. */
export async function downsampleBlock(
  bucket: Bucket,
  meta: BlockMeta,
  resolutionMs: number,
  dir: string,
  options: { readonly acceptMalformedIndex: boolean },
  signal: AbortSignal,
): Promise<WrittenBlock> {
  const source = await SourceBlock.open(bucket, meta, { ...options, windowBytes }, signal);
  const { symbols } = source;
  const texts = Array.from({ length: symbols.count }, (_, i) => symbols.text(i));
  source.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const output = await OutputBlock.create(dir, texts);
  const series = new SeriesDownsampler(meta.thanos.downsample.resolution, resolutionMs);
  const chunks: SourceChunk[] = [];
  const out: SourceChunk[] = [];
  try {
    for (let turn = 1; await source.next(); turn++) {
      chunks.length = 0;
      out.length = 0;
      await source.chunksInto(chunks);
      try {
        series.downsample(chunks, out);
      } catch (thrown) {
        throw sourceError(source.id, "chunks", thrown);
      }
      // A series of nothing but stale markers leaves nothing behind.
      if (out.length > 0) await output.addSeries(source.labels, source.labelCount, out);
      if (turn % seriesEachTurn !== 0) continue;
      signal.throwIfAborted();
      await setImmediate();
    }
    return await output.finish();
  } catch (thrown) {
    await output.abandon();
    throw thrown;
  }
}

function isHistogram(encoding: number): boolean {
  return (
    encoding === ChunkEncoding.histogram ||
    encoding === ChunkEncoding.floatHistogram ||
    encoding === ChunkEncoding.histogramST ||
    encoding === ChunkEncoding.floatHistogramST
  );
}

/** Downsamples one series after the other, in memory that is reused. */
export class SeriesDownsampler {
  readonly #inputMs: number;
  readonly #resolutionMs: number;
  readonly #windows = new FloatWindows();
  readonly #aggregates = new AggregateDownsampler(this.#windows);
  readonly #samples = new SampleColumns();

  constructor(inputMs: number, resolutionMs: number) {
    if (inputMs >= resolutionMs) {
      const text = "target resolution not lower than existing one";
      throw new SourceBlockError("", "block-malformed", text);
    }
    this.#inputMs = inputMs;
    this.#resolutionMs = resolutionMs;
  }

  /** Appends the coarser chunks; `chunks` ascend and do not overlap. */
  downsample(chunks: readonly SourceChunk[], out: SourceChunk[]): void {
    if (this.#inputMs === 0) this.#raw(chunks, this.#resolutionMs, out);
    else this.#coarser(chunks, out);
  }

  #raw(chunks: readonly SourceChunk[], resolutionMs: number, out: SourceChunk[]): void {
    const samples = this.#samples;
    samples.reset();
    let histograms = chunks.length > 0 && isHistogram(chunks[0]!.encoding);
    for (const chunk of chunks) {
      if (isHistogram(chunk.encoding) !== histograms) {
        downsampleRaw(samples, resolutionMs, this.#windows, out);
        samples.reset();
        histograms = !histograms;
      }
      const from = samples.count;
      decodeChunkInto(chunk.encoding, chunk.data, chunk.offset, chunk.length, samples);
      keepLive(samples, from);
    }
    downsampleRaw(samples, resolutionMs, this.#windows, out);
    samples.reset();
  }

  /** Chunks that are not downsampled although the block is are brought to its resolution first. */
  #coarser(chunks: readonly SourceChunk[], out: SourceChunk[]): void {
    const fixed: SourceChunk[] = [];
    for (const chunk of chunks) {
      if (chunk.encoding === ChunkEncoding.aggregated) fixed.push(chunk);
      else if (chunk.sampleCount > 0) this.#raw([chunk], resolutionsMs.fiveMinutes, fixed);
    }
    this.#aggregates.downsample(fixed, this.#inputMs, this.#resolutionMs, out);
  }
}
