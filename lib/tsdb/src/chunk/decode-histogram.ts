// Histogram chunks, integer and float, with and without start timestamps: bytes to columns.
//
// BE16 count, flags byte (top bits: 10 reset, 01 not reset, 11 gauge, 00 unknown), layout, samples.
// With start timestamps: BE16 of flags (2 bits) and count (14 bits), start-time header byte, the same.
import { BitReader, XorValueReader } from "@deucalion/kernels";
import {
  type FloatHistogram,
  type HistogramRows,
  type HistogramRowsLayout,
  rowHead,
  type SampleColumns,
} from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { readHistogramLayout, rowsLayout } from "./histogram-layout.ts";
import { finestSchema, reduceResolution } from "./reduce-resolution.ts";
import { StartTimeReader } from "./start-time.ts";

/** Which of the four kinds of histogram chunk. */
export interface HistogramChunkKind {
  readonly integer: boolean;
  readonly startTimes: boolean;
}

const staleHigh = 0x7ff00000;
const staleLow = 2;
const pair = new Float64Array(1);
const pairWords = new Uint32Array(pair.buffer);

function fromWords(high: number, low: number): number {
  pairWords[0] = low;
  pairWords[1] = high;
  return pair[0]!;
}

/** Appends the samples of a histogram chunk to `out`, as rows. On an error `out.count` is unchanged. */
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
  const layout = rowsLayout(readHistogramLayout(from), kind.integer, flags >>> 6 === 3);
  const writer = new RowWriter(layout, count, from, starts, out);
  if (kind.integer) decodeIntegers(from, count, writer);
  else decodeFloats(from, count, writer);
  writer.finish();
}

/** Writes the samples of one chunk behind those of the columns; they count once all are there. */
class RowWriter {
  readonly positive: number;
  readonly width: number;
  readonly rows: HistogramRows;
  readonly #layout: HistogramRowsLayout;
  readonly #out: SampleColumns;
  readonly #starts: StartTimeReader | null;
  readonly #from: BitReader;
  readonly #first: number;
  #at: number;
  #next: number;
  #stale = 0;
  #previous = 0;

  constructor(
    layout: HistogramRowsLayout,
    samples: number,
    from: BitReader,
    starts: StartTimeReader | null,
    out: SampleColumns,
  ) {
    this.#layout = layout;
    this.#out = out;
    this.#starts = starts;
    this.#from = from;
    this.positive = layout.positive;
    this.width = layout.positive + layout.negative;
    this.rows = out.withRows();
    this.#first = out.count;
    this.#next = out.count;
    out.reserve(samples);
    // A bucket takes a bit at least, so the bits that are left bound the rows.
    const most = Math.floor(from.left / Math.max(1, this.width)) + 1;
    this.rows.reserve(Math.min(samples, most) * this.stride, out.count + samples);
    this.#at = this.rows.used;
  }

  get stride(): number {
    return rowHead + this.width;
  }

  /** Where the row of the next sample begins, unless it is a stale marker. */
  get at(): number {
    return this.#at;
  }

  /** Ends a sample. `row` is its row, or −1 where it has none; that of a stale marker is of no use but to the next. */
  sample(
    row: number,
    time: number,
    total: number,
    zeros: number,
    sumHigh: number,
    sumLow: number,
  ): void {
    const out = this.#out;
    const at = this.#next++;
    const { cells, rowAt } = this.rows;
    if (row >= 0) {
      cells[row] = total;
      cells[row + 1] = zeros;
      this.#at = row + this.stride;
    }
    if (sumHigh === staleHigh && sumLow === staleLow) {
      this.#stale++;
      rowAt[at] = -1;
    } else rowAt[at] = row;
    out.times[at] = time;
    out.valueBits[2 * at] = sumLow;
    out.valueBits[2 * at + 1] = sumHigh;
    const starts = this.#starts;
    if (starts !== null) {
      starts.read(this.#from, at - this.#first, time, this.#previous);
      this.#previous = time;
      if (starts.start !== 0) out.withStartTimes()[at] = starts.start;
      else if (out.startTimes !== null) out.startTimes[at] = 0;
    } else if (out.startTimes !== null) out.startTimes[at] = 0;
  }

  finish(): void {
    const out = this.#out;
    this.rows.add(this.#layout, this.#first, this.#next, this.#at, this.#stale);
    out.count = this.#next;
    if (this.#layout.schema <= finestSchema) return;
    const { histograms } = out;
    for (let i = this.#first; i < this.#next; i++) histograms![i] = reduced(histograms![i]!);
  }
}

/** A histogram finer than queries know, made coarser; stale markers have another schema. */
function reduced(h: FloatHistogram): FloatHistogram {
  if (h.schema <= finestSchema) return h;
  const positive = reduceResolution(h.positiveSpans, h.positiveBuckets, h.schema, finestSchema);
  const negative = reduceResolution(h.negativeSpans, h.negativeBuckets, h.schema, finestSchema);
  return {
    ...h,
    schema: finestSchema,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
  };
}

function decodeIntegers(from: BitReader, count: number, writer: RowWriter): void {
  const { width, positive, rows } = writer;
  const { cells } = rows;
  const steps = new Float64Array(width);
  const sum = new XorValueReader();
  let time = from.varbitInt();
  let total = from.varbitUint();
  let zeros = from.varbitUint();
  sum.first(from);
  let timeDelta = 0;
  let totalDelta = 0;
  let zerosDelta = 0;
  let before = 0;
  for (let index = 0; index < count; index++) {
    if (index > 0) {
      timeDelta += from.varbitInt();
      time += timeDelta;
      totalDelta += from.varbitInt();
      total += totalDelta;
      zerosDelta += from.varbitInt();
      zeros += zerosDelta;
      sum.read(from);
    }
    let row = -1;
    if (index === 0) {
      row = writer.at;
      let current = 0;
      for (let i = 0; i < width; i++) {
        if (i === positive) current = 0;
        current += from.varbitInt();
        cells[row + rowHead + i] = current;
      }
      before = row + rowHead;
    } else if (sum.high !== staleHigh || sum.low !== staleLow) {
      row = writer.at;
      const at = row + rowHead;
      from.varbitRow(steps, 0, positive, cells, before, at);
      if (width > positive) from.varbitRow(steps, positive, width, cells, before, at);
      before = at;
    }
    writer.sample(row, time, total, zeros, sum.high, sum.low);
  }
}

function decodeFloats(from: BitReader, count: number, writer: RowWriter): void {
  const { width, rows } = writer;
  if (width * 64 > from.left) {
    throw new TsdbError("TSDB_CHUNK_DATA", "histogram names more buckets than it has", { width });
  }
  const words = rows.cellWords;
  const total = new XorValueReader();
  const zeros = new XorValueReader();
  const sum = new XorValueReader();
  const columns = Array.from({ length: width }, () => new XorValueReader());
  let time = from.varbitInt();
  total.first(from);
  zeros.first(from);
  sum.first(from);
  let timeDelta = 0;
  for (let index = 0; index < count; index++) {
    if (index > 0) {
      timeDelta += from.varbitInt();
      time += timeDelta;
      total.read(from);
      zeros.read(from);
      sum.read(from);
    }
    const stale = sum.high === staleHigh && sum.low === staleLow;
    let row = -1;
    if (!stale || index === 0) {
      row = writer.at;
      let to = 2 * (row + rowHead);
      for (let i = 0; i < width; i++) {
        const column = columns[i]!;
        if (index === 0) column.first(from);
        else column.read(from);
        words[to++] = column.low;
        words[to++] = column.high;
      }
    }
    const n = fromWords(total.high, total.low);
    const z = fromWords(zeros.high, zeros.low);
    writer.sample(row, time, n, z, sum.high, sum.low);
  }
}
