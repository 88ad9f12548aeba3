// The chunks of one series as units: a raw chunk is one row, a downsampled one has a row for each aggregate.
import {
  Aggregate,
  type ChunkColumns,
  type ChunkDecoder,
  divideHistogram,
  SampleColumns,
  type SeriesBatch,
  sortByTime,
} from "@deucalion/model";
import { StoreApiError } from "../errors.ts";
import { applyCounterResets } from "./counter-resets.ts";

/** One chunk with all its aggregates. */
export interface ChunkUnit {
  readonly chunks: ChunkColumns;
  /** First of its rows, and how many. */
  readonly row: number;
  readonly rowCount: number;
  readonly minTime: number;
  readonly maxTime: number;
}

/** The units of one series of a batch, appended to `into`. */
export function addUnits(batch: SeriesBatch, series: number, into: ChunkUnit[]): void {
  const chunks = batch.chunks;
  if (chunks === null) return;
  const end = chunks.first[series + 1]!;
  for (let row = chunks.first[series]!; row < end; ) {
    const minTime = chunks.minTime[row]!;
    const maxTime = chunks.maxTime[row]!;
    let next = row + 1;
    if (chunks.aggregate[row] !== Aggregate.raw) {
      // Aggregates of one chunk follow each other in ascending order.
      while (
        next < end &&
        chunks.aggregate[next]! > chunks.aggregate[next - 1]! &&
        chunks.minTime[next] === minTime &&
        chunks.maxTime[next] === maxTime
      ) {
        next++;
      }
    }
    into.push({ chunks, row, rowCount: next - row, minTime, maxTime });
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

/** Decodes units into samples, for the aggregates that a query asked for. Reuses its scratch; not re-entrant. */
export class UnitReader {
  readonly #decode: ChunkDecoder;
  readonly #aggregates: readonly Aggregate[];
  readonly #count = new SampleColumns();

  constructor(decode: ChunkDecoder, aggregates: readonly Aggregate[]) {
    this.#decode = decode;
    this.#aggregates = aggregates;
  }

  #row(unit: ChunkUnit, row: number, out: SampleColumns): void {
    const c = unit.chunks;
    this.#decode(c.encoding[row]!, c.buffers[c.buffer[row]!]!, c.offset[row]!, c.length[row]!, out);
  }

  #rowOf(unit: ChunkUnit, aggregate: Aggregate): number {
    for (let row = unit.row; row < unit.row + unit.rowCount; row++) {
      if (unit.chunks.aggregate[row] === aggregate) return row;
    }
    throw new StoreApiError(
      "STOREAPI_AGGREGATE",
      "a downsampled chunk lacks the aggregate that was asked for",
      {
        aggregate,
        minTime: unit.minTime,
      },
    );
  }

  #unit(unit: ChunkUnit, out: SampleColumns): void {
    if (unit.chunks.aggregate[unit.row] === Aggregate.raw) {
      this.#row(unit, unit.row, out);
    } else if (this.#aggregates.length === 1) {
      this.#row(unit, this.#rowOf(unit, this.#aggregates[0]!), out);
    } else {
      this.#average(unit, out);
    }
  }

  #average(unit: ChunkUnit, out: SampleColumns): void {
    const counts = this.#count;
    counts.reset();
    this.#row(unit, this.#rowOf(unit, Aggregate.count), counts);
    const from = out.count;
    this.#row(unit, this.#rowOf(unit, Aggregate.sum), out);
    if (out.count - from !== counts.count) {
      throw new StoreApiError(
        "STOREAPI_AGGREGATE",
        "sum and count of a downsampled chunk differ in length",
        {
          minTime: unit.minTime,
        },
      );
    }
    for (let i = 0; i < counts.count; i++) {
      const histogram = out.histograms?.[from + i];
      if (histogram === undefined) out.values[from + i]! /= counts.values[i]!;
      else out.histograms![from + i] = divideHistogram(histogram, counts.values[i]!);
    }
  }

  /** Appends the samples of one series of a batch. */
  readSeries(batch: SeriesBatch, series: number, out: SampleColumns): void {
    const chunks = batch.chunks;
    if (chunks === null) return;
    const first = chunks.first[series]!;
    const end = chunks.first[series + 1]!;
    for (let row = first; row < end; row++) {
      const plain =
        chunks.aggregate[row] === Aggregate.raw &&
        (row === first || chunks.minTime[row - 1]! < chunks.minTime[row]!);
      if (plain) continue;
      const units: ChunkUnit[] = [];
      addUnits(batch, series, units);
      this.read(sortUnits(units), out);
      return;
    }
    // Raw chunks in order, as they nearly always come: nothing to be put together.
    const from = out.count;
    let sorted = true;
    for (let row = first; row < end; row++) {
      const start = out.count;
      const data = chunks.buffers[chunks.buffer[row]!]!;
      this.#decode(chunks.encoding[row]!, data, chunks.offset[row]!, chunks.length[row]!, out);
      if (start > from && out.count > start && out.times[start]! <= out.times[start - 1]!)
        sorted = false;
    }
    if (!sorted) sortByTime(out, from);
  }

  /** Appends the samples of `units`, in order; overlaps are merged, one sample for each time. */
  read(units: readonly ChunkUnit[], out: SampleColumns): void {
    const counter =
      this.#aggregates.length === 1 &&
      this.#aggregates[0] === Aggregate.counter &&
      units.some((unit) => unit.chunks.aggregate[unit.row] !== Aggregate.raw);
    if (counter) {
      const parts = units.map((unit) => {
        const part = new SampleColumns();
        this.#unit(unit, part);
        return part;
      });
      applyCounterResets(parts, out);
      return;
    }
    const from = out.count;
    let sorted = true;
    out.reserve(samplesOf(units));
    for (const unit of units) {
      const start = out.count;
      this.#unit(unit, out);
      if (start > from && out.count > start && out.times[start]! <= out.times[start - 1]!)
        sorted = false;
    }
    if (!sorted) sortByTime(out, from);
  }
}
