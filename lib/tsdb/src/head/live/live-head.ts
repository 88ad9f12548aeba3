// A head that is written to: series in columns, open chunks in slots, logs on disk.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  decodeLabels,
  type FloatHistogram,
  type LabelBytes,
  type Labels,
  type Matcher,
  SampleColumns,
} from "@deucalion/model";
import { addInterval, type Interval } from "../../block/tombstones.ts";
import { decodeChunkInto } from "../../chunk/decode-chunk.ts";
import { tombstoneRecord } from "../../wal/record-writer.ts";
import { chunkEnd, rangeEnd, staleHistogram } from "../head-series.ts";
import { ChunkList } from "./chunks/chunk-list.ts";
import { FloatChunks } from "./chunks/float-chunks.ts";
import { HeadChunkFiles } from "./chunks/head-chunk-files.ts";
import { HistogramChunks } from "./chunks/histogram-chunks.ts";
import { StartChunks } from "./chunks/start-chunks.ts";
import { ExemplarRing, type ExemplarVerdict } from "./exemplar-ring.ts";
import { LateSamples } from "./late-samples.ts";
import type { LiveHeadDeps, LiveHeadOptions } from "./live-options.ts";
import { HeadLog } from "./log/head-log.ts";
import { writeSnapshot } from "./log/write-snapshot.ts";
import { HeadPostings } from "./series/head-postings.ts";
import { MetadataTable } from "./series/metadata-table.ts";
import { SeriesOrder } from "./series/series-order.ts";
import { ChunkKind, holdsHistograms, holdsIntegers, SeriesTable } from "./series/series-table.ts";
import { Verdict } from "./verdict.ts";

const floatChunkBytesMax = 1024 - 19;
/** Series to put into the postings in one turn. */
const indexAtOnce = 2000;
/** While more than this waits to be written (the disk is full), nothing more is taken. */
const pendingBytesMax = 8 * 1024 * 1024;

/**
 * All methods that append work in the calling turn; what was appended since the last `commit` is in the write-ahead log
 * when `commit` returns. If that fails, `commit` throws and the next one writes it first, so that an acknowledgement
 * always stands for everything before it.
 */
export class LiveHead {
  readonly dir: string;
  readonly options: LiveHeadOptions;
  readonly deps: LiveHeadDeps;
  readonly table = new SeriesTable();
  readonly floats = new FloatChunks(this.table);
  readonly starts = new StartChunks(this.table);
  readonly histograms: HistogramChunks;
  readonly #postings = new HeadPostings();
  /** Series up to here are in the postings; those behind wait for `indexLater`, or for somebody who asks. */
  #indexed = 0;
  readonly order = new SeriesOrder(this.table);
  readonly chunks = new ChunkList();
  readonly files: HeadChunkFiles;
  readonly exemplars: ExemplarRing;
  readonly log: HeadLog;
  /** What came out of order. */
  readonly late: LateSamples;
  readonly metadata = new MetadataTable();
  readonly tombstones = new Map<number, Interval[]>();
  /** Removed series whose samples are still in the log, with the last segment that may hold some. */
  readonly expiries = new Map<number, number>();
  /** Of in-order samples, milliseconds; +Infinity and −Infinity without any. */
  minTime = Number.POSITIVE_INFINITY;
  maxTime = Number.NEGATIVE_INFINITY;
  /** True takes samples of any age, out of order if they have to be; for what was kept while this process was away. */
  takesLate = false;
  /** Older in-order samples are in blocks. */
  minValidTime = Number.NEGATIVE_INFINITY;
  /** Readers that hold series indexes or chunk references. */
  readers = 0;
  #lastRef = 0;
  #inRequest = false;
  /** What `appendFrom` is during a request; NaN outside of one, and until a head without samples has its first. */
  #requestFrom = Number.NaN;
  #recycle = false;
  readonly #one = new SampleColumns(1);
  #scratch = new Uint8Array(2048);
  /** A head without data; `replayLive` fills it from what is on disk. */
  constructor(dir: string, options: LiveHeadOptions, deps: LiveHeadDeps) {
    this.dir = dir;
    this.options = options;
    this.deps = deps;
    mkdirSync(dir, { recursive: true });
    this.files = new HeadChunkFiles(join(dir, "chunks_head"));
    this.exemplars = new ExemplarRing(options.exemplarsMax);
    this.log = new HeadLog(dir, options, deps);
    this.late = new LateSamples(this);
    this.histograms = new HistogramChunks(this.table, options, (series) => this.closeOpen(series));
  }

  /** Bytes of memory off the JavaScript heap. */
  get bytes(): number {
    return this.table.columnBytes + this.table.labelBytes + this.floats.arena.bytes;
  }

  /** False while so much waits to be written that no more should be taken. */
  get writable(): boolean {
    return this.log.pendingBytes < pendingBytesMax;
  }

  /** How late samples may be now, milliseconds; 0 takes none out of order. */
  get lateWindowMs(): number {
    return this.takesLate ? Number.POSITIVE_INFINITY : this.options.outOfOrderWindowMs;
  }

  /** Samples before this are refused (or are out of order). */
  get appendFrom(): number {
    const from = this.#requestFrom;
    return Number.isNaN(from) ? this.#boundAt(this.maxTime) : from;
  }

  #boundAt(maxTime: number): number {
    return Math.max(this.minValidTime, maxTime - this.options.chunkRangeMs / 2);
  }

  /**
   * Until `endRequest`, which is to come in the same turn, new samples do not make others too old: a request may bring a
   * long time of one series and then the same time of the next, as in Prometheus.
   */
  beginRequest(): void {
    this.#inRequest = true;
    this.#requestFrom = Number.isFinite(this.maxTime) ? this.#boundAt(this.maxTime) : Number.NaN;
  }

  endRequest(): void {
    this.#inRequest = false;
    this.#requestFrom = Number.NaN;
  }

  /** A sample is newer than all before. */
  #advance(time: number): void {
    if (this.#inRequest && !Number.isFinite(this.maxTime)) this.#requestFrom = this.#boundAt(time);
    this.maxTime = time;
  }

  /** The series with these label bytes, or −1. Who has their `hash` (of `table.hashOf`) gives it. */
  find(
    data: Uint8Array,
    start: number,
    end: number,
    hash = this.table.hashOf(data, start, end),
  ): number {
    return this.table.find(data, start, end, hash);
  }

  /** Adds a series that is not there; its labels are canonical and checked. */
  create(
    data: Uint8Array,
    start: number,
    end: number,
    hash = this.table.hashOf(data, start, end),
  ): number {
    const upToDate = this.#indexed === this.table.size;
    const series = this.restore(data, start, end, this.#lastRef + 1, hash);
    if (upToDate) this.#index(this.table.size);
    this.log.series.push(this.#lastRef, this.table.labels(series));
    return series;
  }

  /** Adds a series that logs know as `ref`. */
  restore(data: Uint8Array, start: number, end: number, ref: number, hash: number): number {
    const { table } = this;
    const series = table.add(data, start, end, hash, ref);
    this.#lastRef = Math.max(this.#lastRef, ref);
    if (series < this.#indexed) this.#postings.add(series, table.labels(series));
    return series;
  }

  /** Series by label. */
  get postings(): HeadPostings {
    this.#index(this.table.size);
    return this.#postings;
  }

  #index(end: number): void {
    const { table } = this;
    for (; this.#indexed < end; this.#indexed++) {
      if (table.ref[this.#indexed] === 0) continue;
      this.#postings.add(this.#indexed, table.labels(this.#indexed));
    }
  }

  /** Puts series into the postings a part at a time: after replaying, writes need not wait for that. */
  indexLater(): void {
    if (this.#indexed >= this.table.size) return;
    this.#index(Math.min(this.table.size, this.#indexed + indexAtOnce));
    setImmediate(() => this.indexLater());
  }

  /** Series references up to this are taken. */
  reserveRefs(ref: number): void {
    this.#lastRef = Math.max(this.#lastRef, ref);
  }

  get seriesCount(): number {
    return this.table.count;
  }

  /** Chunks of all series, open ones too. */
  get chunkCount(): number {
    let open = 0;
    for (const series of this.table.all()) if (this.table.kind[series] !== ChunkKind.none) open++;
    return this.chunks.count + open;
  }

  /** The highest reference that is taken. */
  get lastRef(): number {
    return this.#lastRef;
  }

  /** Appends a float, given as two words; `startTime` is 0 for none. */
  append(series: number, time: number, high: number, low: number, startTime = 0): Verdict {
    const { table } = this;
    const kind = table.kind[series]!;
    const start = this.options.startTimes ? startTime : 0;
    if (kind > ChunkKind.float && high === 0x7ff00000 && low === 2 && holdsHistograms(kind)) {
      return this.appendHistogram(series, time, staleHistogram(holdsIntegers(kind)), start);
    }
    const last = table.lastTime[series]!;
    if (time > last && time >= this.appendFrom) {
      this.log.float(table.ref[series]!, time, high, low, start);
      this.putFloat(series, time, high, low, start);
      return Verdict.stored;
    }
    if (
      time === last &&
      (kind === ChunkKind.float || kind === ChunkKind.startFloat) &&
      table.high[series] === (high | 0) &&
      table.low[series] === (low | 0)
    ) {
      return Verdict.same;
    }
    const one = this.#one;
    one.reset();
    one.pushFloat(time, 0, start);
    one.valueBits[0] = low;
    one.valueBits[1] = high;
    return this.late.append(series, one, null);
  }

  /** Stores an in-order float without logging it. */
  putFloat(series: number, time: number, high: number, low: number, start: number): void {
    const { table, floats } = this;
    if (time > this.maxTime) this.#advance(time);
    if (time < this.minTime) this.minTime = time;
    const kind = table.kind[series]!;
    const withStarts = kind === ChunkKind.startFloat;
    if (withStarts || (kind === ChunkKind.float && start === 0)) {
      const samples = table.samples[series]!;
      const bytes = withStarts
        ? this.starts.appender(series).byteLength
        : floats.byteLength(series);
      let cut = bytes > floatChunkBytesMax;
      if (!cut) {
        const { samplesPerChunk } = this.options;
        if (samples === samplesPerChunk >> 2) {
          table.nextAt[series] = chunkEnd(
            table.openTime[series]!,
            table.lastTime[series]!,
            table.nextAt[series]!,
            4,
          );
        }
        cut = time >= table.nextAt[series]! || samples >= 2 * samplesPerChunk;
      }
      if (!cut) {
        if (withStarts) this.starts.append(series, time, high, low, start);
        else floats.append(series, time, high, low);
        return;
      }
      this.closeOpen(series);
    } else if (kind !== ChunkKind.none) {
      this.closeOpen(series);
    }
    if (start === 0) floats.begin(series, time, high, low);
    else this.starts.begin(series, time, high, low, start);
    table.nextAt[series] = rangeEnd(time, this.options.chunkRangeMs);
  }

  /** Appends a histogram that was checked. */
  appendHistogram(series: number, time: number, h: FloatHistogram, startTime = 0): Verdict {
    const start = this.options.startTimes ? startTime : 0;
    const last = this.table.lastTime[series]!;
    if (time > last && time >= this.appendFrom) {
      this.log.histogram(this.table.ref[series]!, time, h, start);
      this.putHistogram(series, time, h, start);
      return Verdict.stored;
    }
    const one = this.#one;
    one.reset();
    one.pushHistogram(time, h, start);
    return this.late.append(series, one, h);
  }

  /** Stores an in-order histogram without logging it. */
  putHistogram(series: number, time: number, h: FloatHistogram, start: number): void {
    if (time > this.maxTime) this.#advance(time);
    if (time < this.minTime) this.minTime = time;
    this.histograms.put(series, time, h, start);
  }

  /** Writes the open in-order chunk to the files of head chunks. */
  closeOpen(series: number): void {
    const { table } = this;
    const kind = table.kind[series]!;
    if (kind === ChunkKind.none) return;
    const data = this.openBytes(series);
    const encoding = kind;
    const minTime = table.openTime[series]!;
    const maxTime = table.lastTime[series]!;
    const ref = this.files.append(table.ref[series]!, minTime, maxTime, encoding, false, data);
    this.link(series, this.chunks.add(ref, minTime, maxTime, encoding));
    this.dropOpen(series);
  }

  /** Puts a row of the chunk list at the end of a series. */
  link(series: number, row: number): void {
    const { table } = this;
    const last = table.lastChunk[series]!;
    if (last >= 0) this.chunks.next[last] = row;
    else table.firstChunk[series] = row;
    table.lastChunk[series] = row;
  }

  dropOpen(series: number): void {
    const kind = this.table.kind[series]!;
    if (kind === ChunkKind.float) this.floats.drop(series);
    else if (kind === ChunkKind.startFloat) this.starts.drop(series);
    else this.histograms.drop(series);
    this.table.kind[series] = ChunkKind.none;
  }

  /** The open chunk, complete; its encoding is the series' kind. Valid until the next call. */
  openBytes(series: number): Uint8Array {
    const kind = this.table.kind[series]!;
    if (kind === ChunkKind.startFloat) return this.starts.appender(series).finish();
    if (kind !== ChunkKind.float) return this.histograms.appender(series).finish();
    const length = this.floats.copyInto(series, this.#scratch, 0);
    return this.#scratch.subarray(0, length);
  }

  /** Decodes the open chunk. */
  openInto(series: number, out: SampleColumns): void {
    if (this.table.kind[series] === ChunkKind.none) return;
    const data = this.openBytes(series);
    decodeChunkInto(this.table.kind[series]!, data, 0, data.length, out);
  }

  /** Samples in the open chunk. */
  openCount(series: number): number {
    const kind = this.table.kind[series]!;
    if (kind === ChunkKind.none) return 0;
    if (!holdsHistograms(kind)) return this.table.samples[series]!;
    return this.histograms.appender(series).count;
  }

  /** Appends an exemplar of a series. */
  appendExemplar(series: number, time: number, value: number, labels: Labels): ExemplarVerdict {
    const verdict = this.exemplars.judge(series, time, value, labels);
    if (verdict !== "ok") return verdict;
    this.exemplars.add({ series, time, value, labels });
    this.log.exemplars.push(this.table.ref[series]!, time, value, labels);
    return verdict;
  }

  /** Notes what a series means, an entry of `metadata`; logged only where it changes. */
  setMetadata(series: number, entry: number): void {
    if (this.table.metadata[series] === entry || entry < 0) return;
    this.restoreMetadata(series, entry);
    this.#logMetadata(series, entry);
  }

  #logMetadata(series: number, entry: number): void {
    const { type, unit, help } = this.metadata.get(entry);
    this.log.metadata.push(this.table.ref[series]!, type, unit, help);
  }

  /** The same without logging it. */
  restoreMetadata(series: number, entry: number): void {
    this.table.metadata[series] = entry;
    this.metadata.note(this.labelsOf(series).get("__name__"), entry);
  }

  /** Notes what a metric means; logged with one of its series, if there is one. */
  setFamilyMetadata(family: string, entry: number): void {
    if (entry < 0) return;
    this.metadata.note(family, entry);
    for (const suffix of ["", "_total", "_count", "_bucket", "_sum", "_info"]) {
      const series = this.postings.first("__name__", family + suffix);
      if (series < 0) continue;
      if (this.table.metadata[series] !== entry) this.#logMetadata(series, entry);
      this.table.metadata[series] = entry;
      return;
    }
  }

  /** Deletes samples of series that match, in [minTime, maxTime]; logged at the next commit. */
  delete(matchers: readonly Matcher[], minTime: number, maxTime: number): number {
    const items: { ref: number; minTime: number; maxTime: number }[] = [];
    for (const series of this.select(matchers)) {
      this.addTombstone(series, { minTime, maxTime });
      items.push({ ref: this.table.ref[series]!, minTime, maxTime });
    }
    if (items.length > 0) this.log.wal.append(tombstoneRecord(items));
    return items.length;
  }

  addTombstone(series: number, interval: Interval): void {
    this.tombstones.set(series, addInterval(this.tombstones.get(series) ?? [], interval));
  }

  /** Indexes of matching series, ascending. */
  select(matchers: readonly Matcher[]): Uint32Array {
    return this.postings.select(matchers, () => Uint32Array.from(this.table.all()));
  }

  /** Writes everything appended since the last commit to the logs. Throws what the file system throws. */
  commit(): void {
    this.log.commit();
  }

  /** Labels of a series as strings. */
  labelsOf(series: number): Labels {
    return decodeLabels(this.table.labels(series));
  }

  labelBytes(series: number): LabelBytes {
    return this.table.labels(series);
  }

  /** Removes series; those whose samples are in the log stay known there until `segment` is gone. */
  removeSeries(gone: ReadonlySet<number>, segment: number): void {
    if (gone.size === 0) return;
    this.postings.remove(gone, (series) => this.table.labels(series));
    this.exemplars.forget(gone);
    this.order.forget(gone);
    for (const series of gone) {
      this.expiries.set(this.table.ref[series]!, segment);
      this.tombstones.delete(series);
      this.late.series.delete(series);
      this.dropOpen(series);
      this.table.remove(series);
    }
    this.#recycle = true;
    this.release(0);
  }

  /** Ends reading (`count` readers); what removed series leave is used again when nobody reads. */
  release(count = 1): void {
    this.readers -= count;
    if (this.readers > 0 || !this.#recycle) return;
    this.#recycle = false;
    this.table.recycle();
  }

  /** Writes and closes the logs; open chunks stay in the log. */
  async close(): Promise<void> {
    try {
      if (this.options.memorySnapshot && this.log.isOpen) {
        this.commit();
        this.files.flush();
        writeSnapshot(this);
      }
    } finally {
      try {
        this.log.close();
      } finally {
        await this.files.close();
      }
    }
  }
}
