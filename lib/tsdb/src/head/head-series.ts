// The samples of one series in the head: closed chunks, the open one, and those that came out of order.
import {
  ChunkEncoding,
  type FloatHistogram,
  type Labels,
  SampleColumns,
  staleNaN,
} from "@deucalion/model";
import { decodeChunkInto } from "../chunk/decode-chunk.ts";
import type { EncodedChunk } from "../chunk/encode-samples.ts";
import {
  appendHistogram,
  continuedHeader,
  HistogramAppender,
} from "../chunk/histogram-appender.ts";
import { Xor2Appender } from "../chunk/xor2-appender.ts";
import { OutOfOrderChunk } from "./out-of-order-chunk.ts";

/** A chunk that takes no more samples; times in milliseconds, inclusive. */
export interface ClosedChunk {
  readonly encoding: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly data: Uint8Array;
}

export interface HeadOptions {
  /** Chunks do not span multiples of this, in milliseconds. */
  readonly chunkRangeMs: number;
  readonly samplesPerChunk: number;
  /** Samples of an open out-of-order chunk. */
  readonly outOfOrderMax: number;
}

/** What Prometheus does unless told otherwise. */
export const headDefaults: HeadOptions = {
  chunkRangeMs: 2 * 3600 * 1000,
  samplesPerChunk: 120,
  outOfOrderMax: 32,
};

/** Bytes of a float chunk past which a new one is begun, and those aimed at and needed of a histogram chunk. */
const floatChunkBytesMax = 1024 - 19;
const histogramChunkBytes = 1024;
const histogramSamplesMin = 10;

interface OpenChunk {
  readonly appender: Xor2Appender | HistogramAppender;
  readonly minTime: number;
  maxTime: number;
}

/** Chunks are cut as Prometheus cuts them, so that what is known of counter resets within a chunk is the same. */
export class HeadSeries {
  readonly ref: number;
  readonly labels: Labels;
  closed: ClosedChunk[] = [];
  open: OpenChunk | null = null;
  /** Null until a sample came out of order. */
  outOfOrder: { closed: ClosedChunk[]; open: OutOfOrderChunk | null } | null = null;
  /** End of the chunks that were found on disk; samples up to it are in them. */
  storedUntil = Number.NEGATIVE_INFINITY;
  readonly #options: HeadOptions;
  #nextAt = 0;
  #endPredicted = false;

  constructor(ref: number, labels: Labels, options: HeadOptions) {
    this.ref = ref;
    this.labels = labels;
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.closed.length === 0 && this.open === null && this.outOfOrder === null;
  }

  /** Starts over from chunks found on disk. */
  resetTo(closed: ClosedChunk[], outOfOrder: ClosedChunk[]): void {
    this.closed = closed;
    this.open = null;
    this.outOfOrder = outOfOrder.length === 0 ? null : { closed: outOfOrder, open: null };
    this.storedUntil = closed.at(-1)?.maxTime ?? Number.NEGATIVE_INFINITY;
    this.#nextAt = 0;
  }

  /** Appends a float given as two words. A stale marker after histograms becomes a stale histogram. */
  append(time: number, high: number, low: number, start: number): void {
    if (high === 0x7ff00000 && low === 2) {
      const encoding = this.open?.appender.encoding ?? this.closed.at(-1)?.encoding ?? 0;
      const integer =
        encoding === ChunkEncoding.histogram || encoding === ChunkEncoding.histogramST;
      const float =
        encoding === ChunkEncoding.floatHistogram || encoding === ChunkEncoding.floatHistogramST;
      if (integer || float) {
        this.appendHistogram(time, staleHistogram(integer), start);
        return;
      }
    }
    const appender = this.#floatAppender(time);
    if (appender === null) return;
    appender.append(time, high, low, start);
    this.open!.maxTime = time;
  }

  /** The appender for a float at `time`, or null if the sample is out of order. */
  #floatAppender(time: number): Xor2Appender | null {
    if (!this.#isInOrder(time)) return null;
    const open = this.open;
    if (open === null || !(open.appender instanceof Xor2Appender)) return this.#cutFloat(time);
    const { appender } = open;
    if (appender.byteLength > floatChunkBytesMax) return this.#cutFloat(time);
    const { samplesPerChunk } = this.#options;
    if (appender.count === Math.floor(samplesPerChunk / 4)) {
      this.#nextAt = chunkEnd(open.minTime, open.maxTime, this.#nextAt, 4);
    }
    if (time >= this.#nextAt || appender.count >= 2 * samplesPerChunk) return this.#cutFloat(time);
    return appender;
  }

  #isInOrder(time: number): boolean {
    const last = this.open?.maxTime ?? this.closed.at(-1)?.maxTime;
    return last === undefined || time > last;
  }

  #cutFloat(time: number): Xor2Appender {
    const appender = new Xor2Appender();
    this.#begin(appender, time);
    return appender;
  }

  #begin(appender: Xor2Appender | HistogramAppender, time: number): void {
    this.closeOpen();
    this.open = { appender, minTime: time, maxTime: time };
    this.#nextAt = rangeEnd(time, this.#options.chunkRangeMs);
  }

  /** Turns the open chunk into a closed one. */
  closeOpen(): void {
    const open = this.open;
    if (open === null) return;
    this.open = null;
    this.closed.push(closedFrom(open));
  }

  /** Appends a histogram; it is left out if it is out of order. */
  appendHistogram(time: number, h: FloatHistogram, start: number): void {
    if (!this.#isInOrder(time)) return;
    const before = this.open?.appender;
    const { appender, fresh } = this.#histogramAppender(time, h.integer);
    if (fresh && before instanceof HistogramAppender && before.kind.integer === h.integer) {
      appender.header = continuedHeader(before, h);
    }
    const next = appendHistogram(appender, time, h, start);
    if (next.cut) this.#begin(next.appender, time);
    else this.open = { appender: next.appender, minTime: this.open!.minTime, maxTime: time };
  }

  #histogramAppender(
    time: number,
    integer: boolean,
  ): { appender: HistogramAppender; fresh: boolean } {
    const open = this.open;
    const appender = open?.appender;
    if (
      open === null ||
      !(appender instanceof HistogramAppender) ||
      appender.kind.integer !== integer
    ) {
      return this.#cutHistogram(time, integer);
    }
    const bytes = appender.byteLength;
    const rangeStart = this.#endPredicted
      ? rangeEnd(open.minTime, this.#options.chunkRangeMs)
      : this.#nextAt;
    if (!this.#endPredicted && bytes >= histogramChunkBytes / 4) {
      const ratio = histogramChunkBytes / bytes;
      this.#nextAt = chunkEnd(open.minTime, open.maxTime, this.#nextAt, ratio);
      this.#endPredicted = true;
    }
    const full = time >= this.#nextAt || bytes >= 2 * histogramChunkBytes;
    if (full && (appender.count >= histogramSamplesMin || time >= rangeStart)) {
      return this.#cutHistogram(time, integer);
    }
    return { appender, fresh: false };
  }

  #cutHistogram(time: number, integer: boolean): { appender: HistogramAppender; fresh: boolean } {
    const appender = new HistogramAppender({ integer, startTimes: true });
    this.#begin(appender, time);
    this.#endPredicted = false;
    return { appender, fresh: true };
  }

  /** Puts a sample that came out of order where it belongs. */
  insert(samples: SampleColumns, index: number): void {
    this.outOfOrder ??= { closed: [], open: null };
    const { outOfOrder } = this;
    if (outOfOrder.open !== null && outOfOrder.open.count >= this.#options.outOfOrderMax) {
      outOfOrder.closed.push(...outOfOrder.open.encoded());
      outOfOrder.open = null;
    }
    outOfOrder.open ??= new OutOfOrderChunk();
    outOfOrder.open.insert(samples, index);
  }

  /** Takes back the open chunk of a snapshot; the next sample begins a new one. */
  restore(chunk: ClosedChunk): void {
    this.closed.push(chunk);
  }

  /** All chunks in order, the open one as it stands. */
  inOrderChunks(): ClosedChunk[] {
    return this.open === null ? this.closed : [...this.closed, closedFrom(this.open)];
  }

  /** Out-of-order chunks in the order in which they came, the open one as it stands. */
  outOfOrderChunks(): readonly (ClosedChunk | EncodedChunk)[] {
    if (this.outOfOrder === null) return [];
    const { closed, open } = this.outOfOrder;
    return open === null ? closed : [...closed, ...open.encoded()];
  }
}

function closedFrom(open: OpenChunk): ClosedChunk {
  const { appender, minTime, maxTime } = open;
  return { encoding: appender.encoding, minTime, maxTime, data: appender.finish() };
}

/** Decodes a closed chunk into columns of its own. */
export function decodeClosed(chunk: ClosedChunk): SampleColumns {
  const samples = new SampleColumns();
  decodeChunkInto(chunk.encoding, chunk.data, 0, chunk.data.length, samples);
  return samples;
}

/** End of the range of `width` that holds `time`. */
export function rangeEnd(time: number, width: number): number {
  return Math.trunc(time / width) * width + width;
}

/** When a chunk should end so that the chunks of its range come out equal, from how full it is by now. */
export function chunkEnd(start: number, current: number, max: number, ratioToFull: number): number {
  const n = (max - start) / ((current - start + 1) * ratioToFull);
  return n <= 1 ? max : Math.trunc(start + (max - start) / Math.floor(n));
}

const none = new Float64Array(0);

/** A stale marker as a histogram. */
export function staleHistogram(integer: boolean): FloatHistogram {
  return {
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: staleNaN(),
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: none,
    negativeBuckets: none,
    customValues: none,
    counterResetHint: "unknown",
    integer,
  };
}
