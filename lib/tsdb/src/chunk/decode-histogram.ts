// Histogram chunks, integer and float, with and without start timestamps: bytes to columns.
//
// BE16 count, flags byte (top bits: 10 reset, 01 not reset, 11 gauge, 00 unknown), layout, samples.
// With start timestamps: BE16 of flags (2 bits) and count (14 bits), start-time header byte, the same.
import { BitReader, XorValueReader } from "@deucalion/kernels";
import type { CounterResetHint, FloatHistogram, SampleColumns } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { countBuckets, type HistogramLayout, readHistogramLayout } from "./histogram-layout.ts";
import { finestSchema, reduceResolution } from "./reduce-resolution.ts";
import { StartTimeReader } from "./start-time.ts";

/** Which of the four kinds of histogram chunk. */
export interface HistogramChunkKind {
  readonly integer: boolean;
  readonly startTimes: boolean;
}

const staleHigh = 0x7ff00000;
const staleLow = 2;
const none = new Float64Array(0);
const pair = new Float64Array(1);
const pairWords = new Uint32Array(pair.buffer);

function fromWords(high: number, low: number): number {
  pairWords[0] = low;
  pairWords[1] = high;
  return pair[0]!;
}

/** Appends the samples of a histogram chunk to `out`. On an error `out.count` is unchanged. */
export function decodeHistogramInto(
  kind: HistogramChunkKind,
  data: Uint8Array,
  offset: number,
  length: number,
  out: SampleColumns,
): void {
  if (length < 3)
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram chunk is too short", { length });
  const word = (data[offset]! << 8) | data[offset + 1]!;
  const count = kind.startTimes ? word & 0x3fff : word;
  if (count === 0) return;
  const flags = kind.startTimes ? data[offset]! : data[offset + 2]!;
  const from = new BitReader().reset(data, offset + 3, length - 3);
  if (count > from.left) {
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram chunk names more samples than it has", {
      count,
    });
  }
  const starts = kind.startTimes ? new StartTimeReader(data[offset + 2]!) : null;
  const emitter = new Emitter(readHistogramLayout(from), kind.integer, flags >>> 6 === 3);
  const before = out.count;
  try {
    if (kind.integer) decodeIntegers(from, count, emitter, starts, out);
    else decodeFloats(from, count, emitter, starts, out);
  } catch (thrown) {
    out.count = before;
    throw thrown;
  }
}

/** Makes histograms of one chunk: spans shared, bucket counts in rows of a few matrices. */
class Emitter {
  readonly layout: HistogramLayout;
  readonly positive: number;
  readonly negative: number;
  readonly #integer: boolean;
  readonly #gauge: boolean;
  #matrix = none;
  #words = new Uint32Array(0);
  #row = 0;

  constructor(layout: HistogramLayout, integer: boolean, gauge: boolean) {
    this.layout = layout;
    this.positive = countBuckets(layout.positiveSpans);
    this.negative = countBuckets(layout.negativeSpans);
    this.#integer = integer;
    this.#gauge = gauge;
  }

  get width(): number {
    return this.positive + this.negative;
  }

  /** Words of the next row. A sample takes a bit a bucket at least, so `bitsLeft` bounds the rows still to come. */
  row(samplesLeft: number, bitsLeft: number): Uint32Array {
    const width = this.width;
    if (width === 0) return this.#words;
    if (this.#row + width > this.#matrix.length) {
      const rows = Math.min(samplesLeft, Math.floor(bitsLeft / width) + 1);
      this.#matrix = new Float64Array(rows * width);
      this.#words = new Uint32Array(this.#matrix.buffer);
      this.#row = 0;
    }
    return this.#words;
  }

  /** Where the next row begins, in values. */
  get at(): number {
    return this.#row;
  }

  /** The matrix as floats. */
  get matrix(): Float64Array {
    return this.#matrix;
  }

  emit(
    out: SampleColumns,
    index: number,
    time: number,
    start: number,
    count: number,
    zeroCount: number,
    sumHigh: number,
    sumLow: number,
  ): void {
    const sum = fromWords(sumHigh, sumLow);
    const stale = sumHigh === staleHigh && sumLow === staleLow;
    const histogram = stale ? this.#stale(sum) : this.#make(index, count, zeroCount, sum);
    out.pushHistogram(time, histogram, start);
    out.valueBits[2 * out.count - 2] = sumLow;
    out.valueBits[2 * out.count - 1] = sumHigh;
  }

  #stale(sum: number): FloatHistogram {
    return {
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0,
      count: 0,
      sum,
      positiveSpans: [],
      negativeSpans: [],
      positiveBuckets: none,
      negativeBuckets: none,
      customValues: none,
      counterResetHint: "unknown",
      integer: this.#integer,
    };
  }

  #make(index: number, count: number, zeroCount: number, sum: number): FloatHistogram {
    const layout = this.layout;
    const middle = this.#row + this.positive;
    const end = middle + this.negative;
    let positiveSpans = layout.positiveSpans;
    let negativeSpans = layout.negativeSpans;
    let positiveBuckets: Float64Array =
      this.positive === 0 ? none : this.#matrix.subarray(this.#row, middle);
    let negativeBuckets: Float64Array =
      this.negative === 0 ? none : this.#matrix.subarray(middle, end);
    this.#row = end;
    let schema = layout.schema;
    if (schema > finestSchema) {
      const p = reduceResolution(positiveSpans, positiveBuckets, schema, finestSchema);
      const n = reduceResolution(negativeSpans, negativeBuckets, schema, finestSchema);
      positiveSpans = p.spans;
      positiveBuckets = p.buckets;
      negativeSpans = n.spans;
      negativeBuckets = n.buckets;
      schema = finestSchema;
    }
    const hint: CounterResetHint = this.#gauge ? "gauge" : index > 0 ? "not_reset" : "unknown";
    return {
      schema,
      zeroThreshold: layout.zeroThreshold,
      zeroCount,
      count,
      sum,
      positiveSpans,
      negativeSpans,
      positiveBuckets,
      negativeBuckets,
      customValues: layout.customValues,
      counterResetHint: hint,
      integer: this.#integer,
    };
  }
}

function decodeIntegers(
  from: BitReader,
  count: number,
  emitter: Emitter,
  starts: StartTimeReader | null,
  out: SampleColumns,
): void {
  const width = emitter.width;
  const values = new Float64Array(width);
  const deltas = new Float64Array(width);
  const positive = emitter.positive;
  const sum = new XorValueReader();
  let time = from.varbitInt();
  let total = from.varbitUint();
  let zeros = from.varbitUint();
  sum.first(from);
  let timeDelta = 0;
  let totalDelta = 0;
  let zerosDelta = 0;
  let previous = 0;
  for (let index = 0; index < count; index++) {
    if (index > 0) {
      previous = time;
      timeDelta += from.varbitInt();
      time += timeDelta;
      totalDelta += from.varbitInt();
      total += totalDelta;
      zerosDelta += from.varbitInt();
      zeros += zerosDelta;
      sum.read(from);
    }
    const stale = sum.high === staleHigh && sum.low === staleLow;
    if (!stale || index === 0) {
      emitter.row(count - index, from.left);
      const matrix = emitter.matrix;
      const row = emitter.at;
      if (index === 0) {
        let current = 0;
        for (let i = 0; i < width; i++) {
          if (i === positive) current = 0;
          values[i] = from.varbitInt();
          current += values[i]!;
          matrix[row + i] = current;
        }
      } else {
        from.varbitRow(values, deltas, 0, positive, matrix, row);
        from.varbitRow(values, deltas, positive, width, matrix, row + positive);
      }
    }
    starts?.read(from, index, time, previous);
    emitter.emit(out, index, time, starts?.start ?? 0, total, zeros, sum.high, sum.low);
  }
}

function decodeFloats(
  from: BitReader,
  count: number,
  emitter: Emitter,
  starts: StartTimeReader | null,
  out: SampleColumns,
): void {
  const width = emitter.width;
  if (width * 64 > from.left) {
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram names more buckets than it has", { width });
  }
  const total = new XorValueReader();
  const zeros = new XorValueReader();
  const sum = new XorValueReader();
  const columns = Array.from({ length: width }, () => new XorValueReader());
  let time = from.varbitInt();
  total.first(from);
  zeros.first(from);
  sum.first(from);
  let timeDelta = 0;
  let previous = 0;
  for (let index = 0; index < count; index++) {
    if (index > 0) {
      previous = time;
      timeDelta += from.varbitInt();
      time += timeDelta;
      total.read(from);
      zeros.read(from);
      sum.read(from);
    }
    const stale = sum.high === staleHigh && sum.low === staleLow;
    if (!stale || index === 0) {
      const words = emitter.row(count - index, from.left);
      let to = 2 * emitter.at;
      for (let i = 0; i < width; i++) {
        const column = columns[i]!;
        if (index === 0) column.first(from);
        else column.read(from);
        words[to++] = column.low;
        words[to++] = column.high;
      }
    }
    starts?.read(from, index, time, previous);
    const start = starts?.start ?? 0;
    const n = fromWords(total.high, total.low);
    const z = fromWords(zeros.high, zeros.low);
    emitter.emit(out, index, time, start, n, z, sum.high, sum.low);
  }
}
