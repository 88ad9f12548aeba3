// The chunks of one series as units: a raw chunk is one row, a downsampled one has a row for each aggregate.
import {
  Aggregate,
  type ChunkColumns,
  type ChunkDecoder,
  divideHistogram,
  giveColumns,
  type SampleColumns,
  type SeriesBatch,
  sortByTime,
  takeColumns,
} from "@deucalion/model";
import { StoreApiError } from "../errors.ts";
import { CounterResets } from "./counter-resets.ts";

/** One chunk with all its aggregates. */
export interface ChunkUnit {
  readonly chunks: ChunkColumns;
  /** First of its rows, and how many. */
  readonly row: number;
  readonly rowCount: number;
  readonly minTime: number;
  readonly maxTime: number;
}

/** The row after the last one of the chunk that begins at `row`; rows of the series end at `end`. */
function unitEnd(chunks: ChunkColumns, row: number, end: number): number {
  const { aggregate, minTime, maxTime } = chunks;
  let next = row + 1;
  if (aggregate[row] === Aggregate.raw) return next;
  // Aggregates of one chunk follow each other in ascending order.
  while (
    next < end &&
    aggregate[next]! > aggregate[next - 1]! &&
    minTime[next] === minTime[row] &&
    maxTime[next] === maxTime[row]
  ) {
    next++;
  }
  return next;
}

/** The units of one series of a batch, appended to `into`. */
export function addUnits(batch: SeriesBatch, series: number, into: ChunkUnit[]): void {
  const chunks = batch.chunks;
  if (chunks === null) return;
  const end = chunks.first[series + 1]!;
  for (let row = chunks.first[series]!; row < end; ) {
    const next = unitEnd(chunks, row, end);
    const minTime = chunks.minTime[row]!;
    into.push({ chunks, row, rowCount: next - row, minTime, maxTime: chunks.maxTime[row]! });
    row = next;
  }
}

function compareBytes(a: ChunkUnit, b: ChunkUnit): number {
  const rows = Math.min(a.rowCount, b.rowCount);
  for (let r = 0; r < rows; r++) {
    const x = a.row + r;
    const y = b.row + r;
    const kind = a.chunks.aggregate[x]! - b.chunks.aggregate[y]!;
    if (kind !== 0) return kind;
    const encoding = a.chunks.encoding[x]! - b.chunks.encoding[y]!;
    if (encoding !== 0) return encoding;
    const p = a.chunks.buffers[a.chunks.buffer[x]!]!;
    const q = b.chunks.buffers[b.chunks.buffer[y]!]!;
    const from = a.chunks.offset[x]!;
    const other = b.chunks.offset[y]!;
    const length = Math.min(a.chunks.length[x]!, b.chunks.length[y]!);
    for (let i = 0; i < length; i++) {
      const order = p[from + i]! - q[other + i]!;
      if (order !== 0) return order;
    }
    const size = a.chunks.length[x]! - b.chunks.length[y]!;
    if (size !== 0) return size;
  }
  return a.rowCount - b.rowCount;
}

/** Sorts by min time, max time and content, and drops what is there twice. */
export function sortUnits(units: ChunkUnit[]): ChunkUnit[] {
  let sorted = true;
  for (let i = 1; i < units.length && sorted; i++)
    sorted = units[i - 1]!.minTime < units[i]!.minTime;
  if (sorted) return units;
  units.sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime || compareBytes(a, b));
  return units.filter(
    (unit, i) =>
      i === 0 ||
      unit.minTime !== units[i - 1]!.minTime ||
      unit.maxTime !== units[i - 1]!.maxTime ||
      compareBytes(unit, units[i - 1]!) !== 0,
  );
}

/** Samples that units hold at most; every encoding but that of downsampled chunks begins with its count. */
function samplesOf(units: readonly ChunkUnit[]): number {
  let sum = 0;
  for (const { chunks, row } of units) {
    if (chunks.length[row]! < 2) continue;
    const data = chunks.buffers[chunks.buffer[row]!]!;
    const at = chunks.offset[row]!;
    sum += ((data[at]! << 8) | data[at + 1]!) & 0x3fff;
  }
  return sum;
}

/** True if the units of rows `[first, end)` come in order, none twice: then they can be read as they are. */
function inOrder(chunks: ChunkColumns, first: number, end: number): boolean {
  const { aggregate, minTime } = chunks;
  for (let row = first; row < end; ) {
    const next = aggregate[row] === Aggregate.raw ? row + 1 : unitEnd(chunks, row, end);
    if (next < end && minTime[next]! <= minTime[row]!) return false;
    row = next;
  }
  return true;
}

/** Decodes units into samples, for the aggregates that a query asked for. Not re-entrant. */
export class UnitReader {
  readonly #decode: ChunkDecoder;
  readonly #aggregates: readonly Aggregate[];
  readonly #resets = new CounterResets();

  constructor(decode: ChunkDecoder, aggregates: readonly Aggregate[]) {
    this.#decode = decode;
    this.#aggregates = aggregates;
  }

  #row(c: ChunkColumns, row: number, out: SampleColumns): void {
    this.#decode(c.encoding[row]!, c.buffers[c.buffer[row]!]!, c.offset[row]!, c.length[row]!, out);
  }

  #rowOf(chunks: ChunkColumns, first: number, end: number, aggregate: Aggregate): number {
    for (let row = first; row < end; row++) if (chunks.aggregate[row] === aggregate) return row;
    throw new StoreApiError(
      "STOREAPI_AGGREGATE",
      "a downsampled chunk lacks the aggregate that was asked for",
      { aggregate, minTime: chunks.minTime[first]! },
    );
  }

  /** Reads the chunk of rows `[row, end)`. */
  #unit(chunks: ChunkColumns, row: number, end: number, out: SampleColumns): void {
    if (chunks.aggregate[row] === Aggregate.raw) {
      this.#row(chunks, row, out);
    } else if (this.#aggregates.length === 1) {
      this.#row(chunks, this.#rowOf(chunks, row, end, this.#aggregates[0]!), out);
    } else {
      this.#average(chunks, row, end, out);
    }
  }

  #average(chunks: ChunkColumns, row: number, end: number, out: SampleColumns): void {
    const counts = takeColumns();
    try {
      this.#averageOf(chunks, row, end, counts, out);
    } finally {
      giveColumns(counts);
    }
  }

  #averageOf(
    chunks: ChunkColumns,
    row: number,
    end: number,
    counts: SampleColumns,
    out: SampleColumns,
  ): void {
    this.#row(chunks, this.#rowOf(chunks, row, end, Aggregate.count), counts);
    const from = out.count;
    this.#row(chunks, this.#rowOf(chunks, row, end, Aggregate.sum), out);
    if (out.count - from !== counts.count) {
      throw new StoreApiError(
        "STOREAPI_AGGREGATE",
        "sum and count of a downsampled chunk differ in length",
        { minTime: chunks.minTime[row]! },
      );
    }
    const { values, histograms } = out;
    for (let i = 0; i < counts.count; i++) {
      const histogram = histograms?.[from + i];
      if (histogram === undefined) values[from + i]! /= counts.values[i]!;
      else histograms![from + i] = divideHistogram(histogram, counts.values[i]!);
    }
  }

  /** True if chunks of these aggregates are read as a counter whose resets are taken out. */
  get #readsCounter(): boolean {
    return this.#aggregates.length === 1 && this.#aggregates[0] === Aggregate.counter;
  }

  #counterUnit(chunks: ChunkColumns, row: number, end: number, out: SampleColumns): void {
    const part = takeColumns();
    try {
      this.#unit(chunks, row, end, part);
      this.#resets.take(part, out);
    } finally {
      giveColumns(part);
    }
  }

  /** Appends the samples of one series of a batch. */
  readSeries(batch: SeriesBatch, series: number, out: SampleColumns): void {
    const chunks = batch.chunks;
    if (chunks === null) return;
    const first = chunks.first[series]!;
    const end = chunks.first[series + 1]!;
    if (!inOrder(chunks, first, end)) {
      const units: ChunkUnit[] = [];
      addUnits(batch, series, units);
      this.read(sortUnits(units), out);
      return;
    }
    // Chunks in order, as they nearly always come: nothing to be put together.
    const { aggregate } = chunks;
    if (this.#readsCounter && anyDownsampled(aggregate, first, end)) {
      this.#resets.reset();
      for (let row = first; row < end; ) {
        const next = unitEnd(chunks, row, end);
        this.#counterUnit(chunks, row, next, out);
        row = next;
      }
      return;
    }
    const from = out.count;
    let sorted = true;
    for (let row = first; row < end; ) {
      const start = out.count;
      if (aggregate[row] === Aggregate.raw) this.#row(chunks, row++, out);
      else {
        const next = unitEnd(chunks, row, end);
        this.#unit(chunks, row, next, out);
        row = next;
      }
      if (start > from && out.count > start && out.times[start]! <= out.times[start - 1]!)
        sorted = false;
    }
    if (!sorted) sortByTime(out, from);
  }

  /** Appends the samples of `units`, in order; overlaps are merged, one sample for each time. */
  read(units: readonly ChunkUnit[], out: SampleColumns): void {
    out.reserve(samplesOf(units));
    if (
      this.#readsCounter &&
      units.some((unit) => unit.chunks.aggregate[unit.row] !== Aggregate.raw)
    ) {
      this.#resets.reset();
      for (const { chunks, row, rowCount } of units)
        this.#counterUnit(chunks, row, row + rowCount, out);
      return;
    }
    const from = out.count;
    let sorted = true;
    for (const { chunks, row, rowCount } of units) {
      const start = out.count;
      this.#unit(chunks, row, row + rowCount, out);
      if (start > from && out.count > start && out.times[start]! <= out.times[start - 1]!)
        sorted = false;
    }
    if (!sorted) sortByTime(out, from);
  }
}

function anyDownsampled(aggregate: ArrayLike<number>, first: number, end: number): boolean {
  for (let row = first; row < end; row++) if (aggregate[row] !== Aggregate.raw) return true;
  return false;
}
