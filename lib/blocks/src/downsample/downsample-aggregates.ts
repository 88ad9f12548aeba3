// Downsampled chunks of one series to chunks of a coarser resolution.
import type { ChunkMemory, WindowKernel } from "@deucalion/kernels";
import {
  Aggregate,
  ChunkEncoding,
  type FloatHistogram,
  isStaleAt,
  SampleColumns,
} from "@deucalion/model";
import { type AggregateChunk, AggregateParts, aggregateChunks } from "@deucalion/tsdb";
import { decodeWith } from "../compact/merge/decode-with.ts";
import type { SourceChunk } from "../compact/merge/source-chunk.ts";
import {
  type AggregatePart,
  aggregateChunk,
  aggregatedChunk,
  type FloatWindows,
} from "./float-windows.ts";
import { aggregateHistograms, encodeHistogramWindows, sameKind } from "./histogram-windows.ts";
import { targetChunkCount } from "./windows.ts";

/** A downsampled chunk taken apart. */
interface Parts {
  readonly chunk: SourceChunk;
  readonly aggregates: readonly AggregateChunk[];
}

function partsOf(chunk: SourceChunk): Parts {
  return { chunk, aggregates: aggregateChunks(chunk.data, chunk.offset, chunk.length) };
}

/** Samples of one aggregate over several chunks, without stale markers and without steps back in time. */
function expand(
  parts: readonly Parts[],
  aggregate: Aggregate,
  memory: ChunkMemory,
  out: SampleColumns,
): void {
  out.reset();
  for (const { chunk, aggregates } of parts) {
    const part = aggregates.find((candidate) => candidate.aggregate === aggregate);
    if (part === undefined) continue;
    const from = out.count;
    decodeWith(memory, part.encoding, chunk.data, part.offset, part.length, out);
    keepLive(out, from);
  }
}

/** Removes stale markers and samples that go back in time from index `from` on, in place. */
export function keepLive(samples: SampleColumns, from: number): void {
  const { times, valueBits, histograms } = samples;
  let to = from;
  let last = Number.NEGATIVE_INFINITY;
  if (histograms === null) {
    // Mostly there is nothing to remove.
    const { count } = samples;
    for (; to < count; to++) {
      const time = times[to]!;
      if (time < last || isStaleAt(valueBits, to)) break;
      last = time;
    }
    if (to === count) return;
  }
  for (let i = to; i < samples.count; i++) {
    const time = times[i]!;
    if (time < last || samples.isStale(i)) continue;
    last = time;
    if (to !== i) {
      times[to] = time;
      valueBits[2 * to] = valueBits[2 * i]!;
      valueBits[2 * to + 1] = valueBits[2 * i + 1]!;
      if (histograms !== null) histograms[to] = histograms[i];
    }
    to++;
  }
  samples.count = to;
}

/** Scratch that is reused over the series of a block. */
export class AggregateDownsampler {
  readonly #windows: FloatWindows;
  readonly #kernel: WindowKernel;
  readonly #memory: ChunkMemory;
  readonly #parts = new AggregateParts();
  readonly #samples = new SampleColumns();
  readonly #totals = new SampleColumns();

  constructor(windows: FloatWindows, kernel: WindowKernel, memory: ChunkMemory, samples: number) {
    this.#windows = windows;
    this.#kernel = kernel;
    this.#memory = memory;
    memory.columns(samples, this.#samples);
  }

  /** Appends the coarser chunks of a series; `chunks` are all downsampled at `inputMs`. */
  downsample(
    chunks: readonly SourceChunk[],
    inputMs: number,
    resolutionMs: number,
    out: SourceChunk[],
  ): void {
    for (let from = 0; from < chunks.length; ) {
      const histograms = this.#holdsHistograms(chunks[from]!);
      let to = from + 1;
      while (to < chunks.length && this.#holdsHistograms(chunks[to]!) === histograms) to++;
      this.#run(chunks.slice(from, to), histograms, inputMs, resolutionMs, out);
      from = to;
    }
  }

  #holdsHistograms({ data, offset, length }: SourceChunk): boolean {
    const parts = this.#parts;
    parts.read(data, offset, length);
    const last = parts.count - 1;
    if (last < 0 || parts.aggregate[last] !== Aggregate.counter) return false;
    const encoding = parts.encoding[last];
    return encoding === ChunkEncoding.histogram || encoding === ChunkEncoding.floatHistogram;
  }

  #run(
    all: readonly SourceChunk[],
    histograms: boolean,
    inputMs: number,
    resolutionMs: number,
    out: SourceChunk[],
  ): void {
    const count = all.reduce((sum, chunk) => sum + chunk.sampleCount, 0);
    const chunks = targetChunkCount(
      all[0]!.minTime,
      all.at(-1)!.maxTime,
      inputMs,
      resolutionMs,
      count,
    );
    // Only along chunks: their counters begin and end with true values of the series.
    const batch = Math.max(1, Math.trunc(all.length / chunks));
    for (let at = 0; at < all.length; at += batch) {
      const to = Math.min(all.length, at + batch);
      if (histograms) this.#histograms(all.slice(at, to).map(partsOf), resolutionMs, out);
      else this.#floats(all, at, to, resolutionMs, out);
    }
  }

  #floats(
    all: readonly SourceChunk[],
    from: number,
    to: number,
    resolutionMs: number,
    out: SourceChunk[],
  ): void {
    const kernel = this.#kernel;
    const made = kernel.coarserChunk(all, from, to, this.#samples, resolutionMs);
    if (made === undefined) this.#floatParts(all.slice(from, to).map(partsOf), resolutionMs, out);
    else if (made) out.push(aggregatedChunk(kernel.made));
  }

  #floatParts(parts: readonly Parts[], resolutionMs: number, out: SourceChunk[]): void {
    const windows = this.#windows;
    const found: AggregatePart[] = [];
    let minTime = Number.POSITIVE_INFINITY;
    let maxTime = Number.NEGATIVE_INFINITY;
    let samples = 0;
    const add = (aggregate: Aggregate, data: Uint8Array | null): void => {
      if (data === null) return;
      found.push({ aggregate, encoding: ChunkEncoding.xor, data });
      minTime = Math.min(minTime, windows.times[0]!);
      maxTime = Math.max(maxTime, windows.times[windows.count - 1]!);
      if (aggregate === Aggregate.count) samples = windows.count;
    };
    const columns = this.#samples;
    const one = (aggregate: Aggregate, column: "sum" | "min" | "max"): void => {
      expand(parts, aggregate, this.#memory, columns);
      add(
        aggregate,
        windows.encodeOne(columns.times, columns.values, columns.count, resolutionMs, column),
      );
    };
    one(Aggregate.count, "sum");
    one(Aggregate.sum, "sum");
    one(Aggregate.min, "min");
    one(Aggregate.max, "max");
    const last = this.#withoutResets(parts);
    const { times, values, count } = this.#totals;
    add(Aggregate.counter, windows.encodeCounter(times, values, count, last, resolutionMs));
    if (found.length > 0) out.push(aggregateChunk(minTime, maxTime, samples, found));
  }

  /** Totals of the counter over chunks, resets taken out, into `#totals`. Returns the last true value. */
  #withoutResets(parts: readonly Parts[]): number {
    const columns = this.#samples;
    const totals = this.#totals;
    totals.reset();
    let total = 0;
    let lastTime = 0;
    let last = 0;
    for (const { chunk, aggregates } of parts) {
      const part = aggregates.find((candidate) => candidate.aggregate === Aggregate.counter);
      if (part === undefined) continue;
      columns.reset();
      decodeWith(this.#memory, part.encoding, chunk.data, part.offset, part.length, columns);
      for (let i = 0; i < columns.count; i++) {
        const time = columns.times[i]!;
        const value = columns.values[i]!;
        if (Number.isNaN(value)) continue;
        if (totals.count === 0) total = value;
        else if (time > lastTime) total += value >= last ? value - last : value;
        else {
          // A second sample at one time tells the true last value of the chunk.
          if (time === lastTime) last = value;
          continue;
        }
        lastTime = time;
        last = value;
        totals.pushFloat(time, total);
      }
    }
    return last;
  }

  #histograms(parts: readonly Parts[], resolutionMs: number, out: SourceChunk[]): void {
    const counters = this.#histogramsOf(parts, Aggregate.counter);
    const sums = this.#histogramsOf(parts, Aggregate.sum);
    expand(parts, Aggregate.count, this.#memory, this.#samples);
    const counts = Array.from(this.#samples.values.subarray(0, this.#samples.count));
    const aligned =
      counters.times.length === sums.times.length && counts.length === sums.times.length;
    if (sums.times.length === 0 || !aligned) return;
    for (let from = 0; from < sums.times.length; ) {
      let to = from + 1;
      while (to < sums.times.length && sameKind(sums.histograms[from]!, sums.histograms[to]!)) to++;
      const times = sums.times.slice(from, to);
      const sum = aggregateHistograms(times, sums.histograms.slice(from, to), resolutionMs);
      const counter = aggregateHistograms(times, counters.histograms.slice(from, to), resolutionMs);
      const perWindow: number[] = [];
      let at = from;
      for (const end of sum.times) {
        let total = 0;
        while (at < to && sums.times[at]! <= end) total += counts[at++]!;
        perWindow.push(total);
      }
      const windows = {
        times: sum.times,
        counts: perWindow,
        sums: sum.sums,
        counters: counter.counters,
      };
      encodeHistogramWindows(windows, out);
      from = to;
    }
  }

  #histogramsOf(
    parts: readonly Parts[],
    aggregate: Aggregate,
  ): { times: number[]; histograms: FloatHistogram[] } {
    expand(parts, aggregate, this.#memory, this.#samples);
    const { count, times, histograms } = this.#samples;
    return {
      times: Array.from(times.subarray(0, count)),
      histograms: Array.from({ length: count }, (_, i) => histograms![i]!),
    };
  }
}
