// Open histogram chunks of a head: an appender for each series that has one.
import type { FloatHistogram } from "@deucalion/model";
import {
  appendHistogram,
  continuedHeader,
  HistogramAppender,
} from "../../../chunk/histogram-appender.ts";
import { chunkEnd, rangeEnd } from "../../head-series.ts";
import type { SeriesTable } from "../series/series-table.ts";

const chunkBytes = 1024;
const samplesMin = 10;

interface OpenHistogram {
  appender: HistogramAppender;
  endPredicted: boolean;
}

/** Appends to the open histogram chunks of `table`. */
export class HistogramChunks {
  readonly #table: SeriesTable;
  readonly #chunkRangeMs: number;
  readonly #startTimes: boolean;
  readonly #close: (series: number) => void;
  readonly #open = new Map<number, OpenHistogram>();

  /** `close` ends the open chunk of a series, of whatever kind. */
  constructor(
    table: SeriesTable,
    options: { readonly chunkRangeMs: number; readonly startTimes: boolean },
    close: (series: number) => void,
  ) {
    this.#table = table;
    this.#chunkRangeMs = options.chunkRangeMs;
    this.#startTimes = options.startTimes;
    this.#close = close;
  }

  /** The open chunk of a series that has one. */
  appender(series: number): HistogramAppender {
    return this.#open.get(series)!.appender;
  }

  /** Forgets the open chunk. */
  drop(series: number): void {
    this.#open.delete(series);
  }

  /** Stores a histogram later than the last sample. */
  put(series: number, time: number, h: FloatHistogram, start: number): void {
    const table = this.#table;
    const known = this.#open.get(series);
    const before = known !== undefined && known.appender.kind.integer === h.integer ? known : null;
    let open = before;
    if (open === null || this.#isFull(series, open, time)) {
      this.#close(series);
      const appender = new HistogramAppender({ integer: h.integer, startTimes: this.#startTimes });
      open = this.#begin(series, time, appender);
      if (before !== null) open.appender.header = continuedHeader(before.appender, h);
    }
    const next = appendHistogram(open.appender, time, h, start);
    if (next.cut) {
      this.#close(series);
      this.#begin(series, time, next.appender);
    } else {
      open.appender = next.appender;
    }
    table.lastTime[series] = time;
  }

  #isFull(series: number, open: OpenHistogram, time: number): boolean {
    const table = this.#table;
    const { appender } = open;
    const bytes = appender.byteLength;
    const start = table.openTime[series]!;
    const rangeStart = open.endPredicted
      ? rangeEnd(start, this.#chunkRangeMs)
      : table.nextAt[series]!;
    if (!open.endPredicted && bytes >= chunkBytes / 4) {
      const ratio = chunkBytes / bytes;
      table.nextAt[series] = chunkEnd(start, table.lastTime[series]!, table.nextAt[series]!, ratio);
      open.endPredicted = true;
    }
    const full = time >= table.nextAt[series]! || bytes >= 2 * chunkBytes;
    return full && (appender.count >= samplesMin || time >= rangeStart);
  }

  #begin(series: number, time: number, appender: HistogramAppender): OpenHistogram {
    const table = this.#table;
    const open: OpenHistogram = { appender, endPredicted: false };
    this.#open.set(series, open);
    table.kind[series] = appender.encoding;
    table.openTime[series] = time;
    table.nextAt[series] = rangeEnd(time, this.#chunkRangeMs);
    return open;
  }
}
