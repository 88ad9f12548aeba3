// Floats to one value of each aggregate for every window.
import { crc32c, encodeXor, type MadeChunk, XorScratch } from "@deucalion/kernels";
import { Aggregate, ChunkEncoding } from "@deucalion/model";
import type { SourceChunk } from "../compact/merge/source-chunk.ts";
import { windowEnd } from "./windows.ts";

/** Counts, sums, lowest, highest and counter totals; one entry more than windows at both ends of `counter`. */
const columns = ["count", "sum", "min", "max", "counter"] as const;
type Column = (typeof columns)[number];

/** Windows that there is room for at first. */
const windowsFirst = 1024;

/** A growing column of values and its words, low word first. */
class ValueColumn {
  values: Float64Array;
  bits: Uint32Array;

  constructor() {
    this.values = new Float64Array(windowsFirst);
    this.bits = new Uint32Array(this.values.buffer);
  }

  reserve(count: number): void {
    if (count <= this.values.length) return;
    const larger = new Float64Array(2 * count);
    larger.set(this.values);
    this.values = larger;
    this.bits = new Uint32Array(larger.buffer);
  }
}

/**
 * Scratch for aggregates of one chunk; reused for every chunk of a block. It does what `WindowKernel` leaves to JavaScript,
 * with the same results.
 */
export class FloatWindows {
  /** Ends of windows, ms. */
  times = new Float64Array(windowsFirst);
  /** As `times`, with the first and last time of the counter aggregate. */
  counterTimes = new Float64Array(windowsFirst);
  count = 0;
  readonly #scratch = new XorScratch();
  readonly #columns: Record<Column, ValueColumn> = {
    count: new ValueColumn(),
    sum: new ValueColumn(),
    min: new ValueColumn(),
    max: new ValueColumn(),
    counter: new ValueColumn(),
  };

  #encode(times: Float64Array, column: Column, count: number): Uint8Array {
    return encodeXor(times, this.#columns[column].bits, 0, count, this.#scratch);
  }

  #reserve(windows: number): void {
    if (windows + 2 > this.times.length) {
      this.times = new Float64Array(2 * windows + 2);
      this.counterTimes = new Float64Array(2 * windows + 2);
    }
    for (const name of columns) this.#columns[name].reserve(windows + 2);
  }

  /**
   * Aggregates the samples `[from, to)`, none of them NaN, and encodes them as one chunk. The counter begins with the
   * first sample itself and ends with the last value at the time of the last window.
   */
  encodeRaw(
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
    resolutionMs: number,
  ): SourceChunk {
    this.#reserve(to - from);
    this.counterTimes[0] = times[from]!;
    this.#columns.counter.values[0] = values[from]!;
    this.#aggregate(times, values, from, to, resolutionMs);
    const { count } = this;
    this.counterTimes.set(this.times.subarray(0, count), 1);
    this.counterTimes[count + 1] = this.times[count - 1]!;
    this.#columns.counter.values[count + 1] = values[to - 1]!;
    const part = (aggregate: Aggregate, name: Column): AggregatePart => ({
      aggregate,
      encoding: ChunkEncoding.xor,
      data: this.#encode(this.times, name, count),
    });
    const counter = {
      aggregate: Aggregate.counter,
      encoding: ChunkEncoding.xor,
      data: this.#encode(this.counterTimes, "counter", count + 2),
    };
    return aggregateChunk(this.times[0]!, this.times[count - 1]!, count, [
      part(Aggregate.count, "count"),
      part(Aggregate.sum, "sum"),
      part(Aggregate.min, "min"),
      part(Aggregate.max, "max"),
      counter,
    ]);
  }

  /** One aggregate of values that are aggregates themselves, as a chunk; `null` where there are no samples. */
  encodeOne(
    times: Float64Array,
    values: Float64Array,
    count: number,
    resolutionMs: number,
    column: "sum" | "min" | "max",
  ): Uint8Array | null {
    this.count = 0;
    if (count === 0) return null;
    this.#reserve(count);
    this.#aggregate(times, values, 0, count, resolutionMs);
    return this.#encode(this.times, column, this.count);
  }

  /** The counter aggregate of totals without resets; it ends with `last` at the time of the last window. */
  encodeCounter(
    times: Float64Array,
    totals: Float64Array,
    count: number,
    last: number,
    resolutionMs: number,
  ): Uint8Array | null {
    this.count = 0;
    if (count === 0) return null;
    this.#reserve(count);
    this.counterTimes[0] = times[0]!;
    this.#columns.counter.values[0] = totals[0]!;
    this.#aggregate(times, totals, 0, count, resolutionMs);
    const windows = this.count;
    this.counterTimes.set(this.times.subarray(0, windows), 1);
    this.counterTimes[windows + 1] = this.times[windows - 1]!;
    this.#columns.counter.values[windows + 1] = last;
    return this.#encode(this.counterTimes, "counter", windows + 2);
  }

  /** Fills all columns. The order of additions is Thanos', so that sums agree to the last bit. */
  #aggregate(
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
    resolutionMs: number,
  ): void {
    const outTimes = this.times;
    const counts = this.#columns.count.values;
    const sums = this.#columns.sum.values;
    const mins = this.#columns.min.values;
    const maxs = this.#columns.max.values;
    const counters = this.#columns.counter.values;
    const lastTime = times[to - 1]!;
    let window = -1;
    let end = Number.NEGATIVE_INFINITY;
    let counter = values[from]!;
    let previous = counter;
    let inWindow = 0;
    let sum = 0;
    let min = Number.MAX_VALUE;
    let max = -Number.MAX_VALUE;
    for (let i = from; i < to; i++) {
      const time = times[i]!;
      const value = values[i]!;
      if (time > end) {
        if (window >= 0) {
          outTimes[window] = end;
          counts[window] = inWindow;
          sums[window] = sum;
          mins[window] = min;
          maxs[window] = max;
          counters[window + 1] = counter;
        }
        window++;
        end = Math.min(windowEnd(time, resolutionMs), lastTime);
        inWindow = 0;
        sum = 0;
        min = Number.MAX_VALUE;
        max = -Number.MAX_VALUE;
      }
      if (i > from) counter += value < previous ? value : value - previous;
      previous = value;
      sum += value;
      inWindow++;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    outTimes[window] = end;
    counts[window] = inWindow;
    sums[window] = sum;
    mins[window] = min;
    maxs[window] = max;
    counters[window + 1] = counter;
    this.count = window + 1;
  }
}

/** One aggregate of a chunk, encoded. */
export interface AggregatePart {
  readonly aggregate: Aggregate;
  readonly encoding: number;
  readonly data: Uint8Array;
}

function uvarintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

function putUvarint(out: Uint8Array, at: number, value: number): number {
  let to = at;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) out[to++] = (rest & 0x7f) | 0x80;
  out[to++] = rest;
  return to;
}

/**
 * Joins aggregates, in order and each at most once, to a chunk with its frame. `samples` is that of the count
 * aggregate.
 */
export function aggregateChunk(
  minTime: number,
  maxTime: number,
  samples: number,
  parts: readonly AggregatePart[],
): SourceChunk {
  // An absent aggregate is a length of 0.
  let length = 5 - parts.length;
  for (const { data } of parts) length += uvarintBytes(data.length) + 1 + data.length;
  const offset = uvarintBytes(length) + 1;
  const end = offset + length;
  const out = new Uint8Array(end + 4);
  let at = putUvarint(out, 0, length);
  out[at++] = ChunkEncoding.aggregated;
  let next = 0;
  for (let aggregate = Aggregate.count as number; aggregate <= Aggregate.counter; aggregate++) {
    const part = parts[next];
    if (part?.aggregate !== aggregate) {
      out[at++] = 0;
      continue;
    }
    next++;
    at = putUvarint(out, at, part.data.length);
    out[at++] = part.encoding;
    out.set(part.data, at);
    at += part.data.length;
  }
  const checksum = crc32c(out, offset - 1, end);
  out[end] = checksum >>> 24;
  out[end + 1] = checksum >>> 16;
  out[end + 2] = checksum >>> 8;
  out[end + 3] = checksum;
  return {
    minTime,
    maxTime,
    encoding: ChunkEncoding.aggregated,
    data: out,
    offset,
    length,
    frameStart: 0,
    frameEnd: end + 4,
    sampleCount: samples,
  };
}

/** What a kernel made, as a chunk: valid until its memory is reset. */
export function aggregatedChunk(made: MadeChunk): SourceChunk {
  const { data, offset, length, frameStart, frameEnd, minTime, maxTime, samples } = made;
  const encoding = ChunkEncoding.aggregated;
  return {
    minTime,
    maxTime,
    encoding,
    data,
    offset,
    length,
    frameStart,
    frameEnd,
    sampleCount: samples,
  };
}
