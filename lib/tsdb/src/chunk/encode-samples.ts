// Columns of samples to chunks, cut where Prometheus cuts them when it writes blocks.
import { encodeXor, XorScratch } from "@deucalion/kernels";
import type { FloatHistogram, SampleColumns } from "@deucalion/model";
import { ChunkEncoding } from "@deucalion/model";
import { appendHistogram, HistogramAppender } from "./histogram-appender.ts";
import { Xor2Appender } from "./xor2-appender.ts";

/** A chunk that was just encoded. Times in milliseconds, inclusive. */
export interface EncodedChunk {
  readonly encoding: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly sampleCount: number;
  readonly data: Uint8Array;
}

export interface EncodeSamplesOptions {
  /** Samples of one chunk at most. */
  readonly samplesPerChunk: number;
  /** Write floats as XOR2, which keeps start timestamps. */
  readonly xor2: boolean;
  /** Write histograms in the encodings that keep start timestamps. */
  readonly histogramStartTimes: boolean;
}

/** Encodes samples `[from, to)` as one XOR chunk; `ChunkMemory` of the kernels is one. */
export interface XorEncoder {
  encodeXor(times: Float64Array, valueBits: Uint32Array, from: number, to: number): Uint8Array;
}

/** What Prometheus does unless told otherwise: start timestamps are dropped. */
export const encodeSamplesDefaults: EncodeSamplesOptions = {
  samplesPerChunk: 120,
  xor2: false,
  histogramStartTimes: false,
};

/** Options that keep the start timestamps of samples, where they have any. */
export function encodingOf(samples: SampleColumns): EncodeSamplesOptions {
  if (samples.startTimes === null) return encodeSamplesDefaults;
  return { ...encodeSamplesDefaults, xor2: true, histogramStartTimes: true };
}

/** Encodes the samples `[from, to)`: a chunk ends at a change of kind, when full, and where histograms demand it. */
export function encodeSamples(
  samples: SampleColumns,
  from: number,
  to: number,
  options: EncodeSamplesOptions = encodeSamplesDefaults,
  encoder: XorEncoder = scratchEncoder(),
): EncodedChunk[] {
  const chunks: EncodedChunk[] = [];
  for (let at = from; at < to; ) {
    const kind = kindOf(samples, at);
    let end = at + 1;
    while (end < to && kindOf(samples, end) === kind) end++;
    if (kind === floatKind) encodeFloats(samples, at, end, options, encoder, chunks);
    else encodeHistograms(samples, at, end, kind === integerKind, options, chunks);
    at = end;
  }
  return chunks;
}

function scratchEncoder(): XorEncoder {
  const scratch = new XorScratch();
  return { encodeXor: (times, bits, from, to) => encodeXor(times, bits, from, to, scratch) };
}

const floatKind = 0;
const integerKind = 1;
const floatHistogramKind = 2;

function kindOf(samples: SampleColumns, index: number): number {
  const histogram = samples.histograms?.[index];
  if (histogram === undefined) return floatKind;
  return histogram.integer ? integerKind : floatHistogramKind;
}

function encodeFloats(
  samples: SampleColumns,
  from: number,
  to: number,
  options: EncodeSamplesOptions,
  encoder: XorEncoder,
  chunks: EncodedChunk[],
): void {
  const { times, valueBits } = samples;
  for (let at = from; at < to; at += options.samplesPerChunk) {
    const end = Math.min(to, at + options.samplesPerChunk);
    const data = options.xor2
      ? encodeXor2(samples, at, end)
      : encoder.encodeXor(times, valueBits, at, end);
    chunks.push({
      encoding: options.xor2 ? ChunkEncoding.xor2 : ChunkEncoding.xor,
      minTime: times[at]!,
      maxTime: times[end - 1]!,
      sampleCount: end - at,
      data,
    });
  }
}

function encodeXor2(samples: SampleColumns, from: number, to: number): Uint8Array {
  const { times, valueBits, startTimes } = samples;
  const appender = new Xor2Appender();
  for (let i = from; i < to; i++) {
    appender.append(times[i]!, valueBits[2 * i + 1]!, valueBits[2 * i]!, startTimes?.[i] ?? 0);
  }
  return appender.finish();
}

function encodeHistograms(
  samples: SampleColumns,
  from: number,
  to: number,
  integer: boolean,
  options: EncodeSamplesOptions,
  chunks: EncodedChunk[],
): void {
  const kind = { integer, startTimes: options.histogramStartTimes };
  let appender = new HistogramAppender(kind);
  let first = from;
  const close = (end: number): void => {
    chunks.push({
      encoding: appender.encoding,
      minTime: samples.times[first]!,
      maxTime: samples.times[end - 1]!,
      sampleCount: end - first,
      data: appender.finish(),
    });
    first = end;
  };
  for (let i = from; i < to; i++) {
    if (i - first >= options.samplesPerChunk) {
      close(i);
      appender = new HistogramAppender(kind);
    }
    const h: FloatHistogram = samples.histograms![i]!;
    const next = appendHistogram(appender, samples.times[i]!, h, samples.startTimes?.[i] ?? 0);
    if (next.cut) close(i);
    appender = next.appender;
  }
  close(to);
}
