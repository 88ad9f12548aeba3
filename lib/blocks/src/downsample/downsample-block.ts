// A block of a bucket becomes a block of a coarser resolution in a local folder.
import { setImmediate } from "node:timers/promises";
import { ChunkMemory, WindowKernel, windowKernelSamples } from "@deucalion/kernels";
import { ChunkEncoding, SampleColumns } from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { decodeWith } from "../compact/merge/decode-with.ts";
import { earlyIn, OutputBlock, type WrittenBlock } from "../compact/merge/output-block.ts";
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
/** Bytes of the new chunks of one series. */
const arenaBytes = 4 * 1024 * 1024;

/** Samples of two columns, each large enough for most series of the block. */
function columnsOf({ stats }: BlockMeta): number {
  const mean = (stats.numSamples ?? 0) / Math.max(1, stats.numSeries ?? 1);
  return 4 * Math.min(256 * 1024, Math.max(8 * 1024, Math.ceil(mean)));
}

/** Writes index and chunks of the coarser block to `dir`. Throws SourceBlockError where the source is at fault. */
export async function downsampleBlock(
  bucket: Bucket,
  meta: BlockMeta,
  resolutionMs: number,
  dir: string,
  options: { readonly acceptMalformedIndex: boolean },
  signal: AbortSignal,
): Promise<WrittenBlock> {
  const memory = new ChunkMemory({
    bufferBytes: windowBytes,
    bufferCount: 8,
    samples: columnsOf(meta) + windowKernelSamples,
    arenaBytes,
  });
  const open = { acceptMalformedIndex: options.acceptMalformedIndex, windowBytes, memory };
  const source = await SourceBlock.open(bucket, meta, open, signal);
  const { symbols } = source;
  const texts = Array.from({ length: symbols.count }, (_, i) => symbols.text(i));
  source.useSymbols(Uint32Array.from({ length: symbols.count }, (_, i) => i));
  const output = await OutputBlock.create(dir, texts, earlyIn(bucket));
  const inputMs = meta.thanos.downsample.resolution;
  const series = new SeriesDownsampler(inputMs, resolutionMs, memory, columnsOf(meta) / 2);
  const chunks: SourceChunk[] = [];
  const out: SourceChunk[] = [];
  try {
    for (let turn = 1; ; turn++) {
      const more = source.next();
      if (!(typeof more === "boolean" ? more : await more)) break;
      chunks.length = 0;
      out.length = 0;
      // What was encoded for the series before is written.
      memory.reset();
      const waiting = source.chunksInto(chunks);
      if (waiting !== undefined) await waiting;
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

function isXor({ encoding }: SourceChunk): boolean {
  return encoding === ChunkEncoding.xor;
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
  readonly #memory: ChunkMemory;
  readonly #kernel: WindowKernel;
  readonly #windows = new FloatWindows();
  readonly #aggregates: AggregateDownsampler;
  readonly #samples = new SampleColumns();

  /** `samples` is how many of a series there may be at once in `memory`. */
  constructor(inputMs: number, resolutionMs: number, memory: ChunkMemory, samples: number) {
    this.#memory = memory;
    this.#kernel = new WindowKernel(memory);
    memory.columns(samples, this.#samples);
    this.#aggregates = new AggregateDownsampler(this.#windows, this.#kernel, memory, samples);
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
    if (chunks.every(isXor) && this.#kernel.decodeRaw(chunks, samples) >= 0) {
      downsampleRaw(samples, resolutionMs, this.#windows, this.#kernel, out);
      samples.reset();
      return;
    }
    let histograms = chunks.length > 0 && isHistogram(chunks[0]!.encoding);
    for (const chunk of chunks) {
      if (isHistogram(chunk.encoding) !== histograms) {
        downsampleRaw(samples, resolutionMs, this.#windows, this.#kernel, out);
        samples.reset();
        histograms = !histograms;
      }
      const from = samples.count;
      const { encoding, data, offset, length } = chunk;
      decodeWith(this.#memory, encoding, data, offset, length, samples);
      keepLive(samples, from);
    }
    downsampleRaw(samples, resolutionMs, this.#windows, this.#kernel, out);
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
