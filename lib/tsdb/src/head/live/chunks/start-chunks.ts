// Open float chunks with start timestamps (XOR2): an appender for each series that has one.
import { Xor2Appender } from "../../../chunk/xor2-appender.ts";
import { ChunkKind, type SeriesTable } from "../series/series-table.ts";

/** Appends to the open XOR2 chunks of `table`. Only series whose samples come with start timestamps have one. */
export class StartChunks {
  readonly #table: SeriesTable;
  readonly #open = new Map<number, Xor2Appender>();

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  /** The open chunk of a series that has one. */
  appender(series: number): Xor2Appender {
    return this.#open.get(series)!;
  }

  /** Forgets the open chunk. */
  drop(series: number): void {
    this.#open.delete(series);
  }

  /** Begins a chunk with its first sample. */
  begin(series: number, time: number, high: number, low: number, start: number): void {
    const t = this.#table;
    this.#open.set(series, new Xor2Appender());
    t.kind[series] = ChunkKind.startFloat;
    t.openTime[series] = time;
    t.samples[series] = 0;
    this.append(series, time, high, low, start);
  }

  /** Appends a sample later than the last. */
  append(series: number, time: number, high: number, low: number, start: number): void {
    const t = this.#table;
    this.#open.get(series)!.append(time, high, low, start);
    t.samples[series]!++;
    t.high[series] = high;
    t.low[series] = low;
    t.lastTime[series] = time;
  }
}
