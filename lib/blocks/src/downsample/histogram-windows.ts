// Native histograms to count, sum and counter for every window.
import { invariant } from "@deucalion/base";
import { encodeXor } from "@deucalion/kernels";
import {
  Aggregate,
  ChunkEncoding,
  customBucketsSchema,
  detectReset,
  type FloatHistogram,
  reduceResolution,
  SampleColumns,
  sameCustomBounds,
  subtractHistograms,
  withHint,
} from "@deucalion/model";
import { encodeSamples } from "@deucalion/tsdb";
import type { SourceChunk } from "../compact/merge/source-chunk.ts";
import { type AggregatePart, aggregateChunk } from "./float-windows.ts";
import { addKeepingSpans, withSpansOf } from "./insert-spans.ts";
import { windowEnd } from "./windows.ts";

/** What came out of one run of samples; all columns have one entry for each window. */
export interface HistogramWindows {
  readonly times: number[];
  readonly counts: number[];
  readonly sums: FloatHistogram[];
  readonly counters: FloatHistogram[];
}

/** True if two histograms can be added without losing buckets. */
export function sameKind(a: FloatHistogram, b: FloatHistogram): boolean {
  if ((a.schema === customBucketsSchema) !== (b.schema === customBucketsSchema)) return false;
  return a.schema !== customBucketsSchema || sameCustomBounds(a.customValues, b.customValues);
}

function lowestSchema(histograms: readonly FloatHistogram[]): number {
  return Math.min(...histograms.map((h) => h.schema));
}

function asFloat(h: FloatHistogram): FloatHistogram {
  return h.integer ? { ...h, integer: false } : h;
}

/** Running state over the histograms of a run. */
class Aggregation {
  readonly #schema: number;
  #previous: FloatHistogram | null = null;
  counter: FloatHistogram | null = null;
  sum: FloatHistogram | null = null;
  count = 0;

  constructor(schema: number) {
    this.#schema = schema;
  }

  reset(): void {
    this.count = 0;
    this.sum = null;
  }

  add(original: FloatHistogram): void {
    const h =
      original.schema > this.#schema ? reduceResolution(original, this.#schema) : asFloat(original);
    this.counter = this.#continued(original, h);
    const sum = this.sum === null ? asFloat(h) : addKeepingSpans(this.sum, h);
    this.sum = withHint(sum, "gauge");
    this.#previous = asFloat(h);
    this.count++;
  }

  #continued(original: FloatHistogram, h: FloatHistogram): FloatHistogram {
    const before = this.#previous;
    if (before === null || this.counter === null) return asFloat(h);
    if (original.counterResetHint !== "gauge" && detectReset(original, before)) {
      return addKeepingSpans(this.counter, h);
    }
    const delta = subtractHistograms(h, before)?.histogram;
    // Of one run all are of one kind (`sameKind`).
    invariant(delta !== undefined, "histograms can be subtracted");
    return addKeepingSpans(this.counter, withSpansOf(delta, h, before));
  }
}

/** Aggregates samples of one kind (`sameKind`); `times` and `histograms` go together. */
export function aggregateHistograms(
  times: readonly number[],
  histograms: readonly FloatHistogram[],
  resolutionMs: number,
): HistogramWindows {
  const out: HistogramWindows = { times: [], counts: [], sums: [], counters: [] };
  const state = new Aggregation(lowestSchema(histograms));
  const lastTime = times.at(-1)!;
  let end = Number.NEGATIVE_INFINITY;
  const close = (): void => {
    out.times.push(end);
    out.counts.push(state.count);
    out.sums.push(state.sum!);
    out.counters.push(state.counter!);
  };
  for (const [i, h] of histograms.entries()) {
    if (times[i]! > end) {
      if (state.count > 0) close();
      state.reset();
      end = Math.min(windowEnd(times[i]!, resolutionMs), lastTime);
    }
    state.add(h);
  }
  close();
  return out;
}

/** Length of the first chunk that the histograms from `from` on make, and the chunk. */
function firstChunk(
  times: readonly number[],
  histograms: readonly FloatHistogram[],
  from: number,
  to: number,
): { readonly count: number; readonly data: Uint8Array; readonly encoding: number } {
  const samples = new SampleColumns(to - from);
  for (let i = from; i < to; i++) {
    samples.pushHistogram(times[i]!, histograms[i]!);
  }
  const [chunk] = encodeSamples(samples, 0, samples.count, {
    samplesPerChunk: 65535,
    xor2: false,
    histogramStartTimes: false,
  });
  // Thanos' appender takes the first sample of a chunk to continue itself: the header says "no reset".
  const data = chunk!.data.slice();
  const first = histograms[from]!;
  if (first.counterResetHint !== "gauge" && first.counterResetHint !== "reset") {
    data[2] = (data[2]! & 0x3f) | (1 << 6);
  }
  return { count: chunk!.sampleCount, data, encoding: chunk!.encoding };
}

/** Chunks of windows; more than one only where a histogram cannot follow another in one chunk. */
export function encodeHistogramWindows(windows: HistogramWindows, out: SourceChunk[]): void {
  const { times, counts, sums, counters } = windows;
  for (let from = 0; from < times.length; ) {
    let to = times.length;
    let counter = firstChunk(times, counters, from, to);
    let sum = firstChunk(times, sums, from, to);
    const least = from + Math.min(counter.count, sum.count);
    if (least < to) {
      to = least;
      counter = firstChunk(times, counters, from, to);
      sum = firstChunk(times, sums, from, to);
    }
    const column = Float64Array.from(counts.slice(from, to));
    const words = new Uint32Array(column.buffer);
    const ends = Float64Array.from(times.slice(from, to));
    const parts: AggregatePart[] = [
      {
        aggregate: Aggregate.count,
        encoding: ChunkEncoding.xor,
        data: encodeXor(ends, words, 0, to - from),
      },
      { aggregate: Aggregate.sum, encoding: sum.encoding, data: sum.data },
      { aggregate: Aggregate.counter, encoding: counter.encoding, data: counter.data },
    ];
    out.push(aggregateChunk(times[from]!, times[to - 1]!, to - from, parts));
    from = to;
  }
}
