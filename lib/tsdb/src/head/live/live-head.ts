// A head that is written to: series in columns, open chunks in slots, logs on disk.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  decodeLabels,
  equalHistograms,
  type FloatHistogram,
  isStale,
  type LabelBytes,
  type Labels,
  type Matcher,
  SampleColumns,
} from "@deucalion/model";
import { addInterval, type Interval } from "../../block/tombstones.ts";
import { decodeChunkInto } from "../../chunk/decode-chunk.ts";
import { encodeSamplesDefaults } from "../../chunk/encode-samples.ts";
import {
  appendHistogram,
  continuedHeader,
  HistogramAppender,
} from "../../chunk/histogram-appender.ts";
import { TsdbError } from "../../errors.ts";
import { LogWriter } from "../../wal/log-writer.ts";
import {
  ExemplarRecord,
  HistogramRecord,
  histogramRecordIndex,
  histogramRecordTypes,
  MetadataRecord,
  mmapMarkerRecord,
  SampleRecord,
  SeriesRecord,
  tombstoneRecord,
} from "../../wal/record-writer.ts";
import { chunkEnd, rangeEnd, staleHistogram } from "../head-series.ts";
import { OutOfOrderChunk } from "../out-of-order-chunk.ts";
import { ChunkList } from "./chunk-list.ts";
import { ExemplarRing, type ExemplarVerdict } from "./exemplar-ring.ts";
import { FloatChunks } from "./float-chunks.ts";
import { HeadChunkFiles } from "./head-chunk-files.ts";
import { HeadPostings } from "./head-postings.ts";
import type { LiveHeadDeps, LiveHeadOptions } from "./live-options.ts";
import { SeriesOrder } from "./series-order.ts";
import { ChunkKind, SeriesTable } from "./series-table.ts";

/** What became of a sample. The first two are success: stored, or stored already with the same value. */
export const Verdict = {
  stored: 0,
  same: 1,
  /** Another value for a timestamp that has one. */
  duplicate: 2,
  /** Older than the newest of its series. */
  outOfOrder: 3,
  /** Older than what the head takes. */
  outOfBounds: 4,
  /** Older than the out-of-order window. */
  tooOld: 5,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

const floatChunkBytesMax = 1024 - 19;
const histogramChunkBytes = 1024;
const histogramSamplesMin = 10;
/** While more than this waits to be written (the disk is full), nothing more is taken. */
const pendingBytesMax = 8 * 1024 * 1024;

interface OpenHistogram {
  appender: HistogramAppender;
  endPredicted: boolean;
}

/** Out-of-order samples of one series: rows of the chunk list, then an open chunk. */
export interface OutOfOrderSeries {
  first: number;
  last: number;
  open: OutOfOrderChunk | null;
}

export interface SeriesMetadata {
  /** As in `WalMetadata`. */
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

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
  readonly postings = new HeadPostings();
  readonly order = new SeriesOrder(this.table);
  readonly chunks = new ChunkList();
  readonly files: HeadChunkFiles;
  readonly exemplars: ExemplarRing;
  readonly outOfOrder = new Map<number, OutOfOrderSeries>();
  readonly metadata = new Map<number, SeriesMetadata>();
  readonly tombstones = new Map<number, Interval[]>();
  /** Removed series whose samples are still in the log, with the last segment that may hold some. */
  readonly expiries = new Map<number, number>();
  /** Of in-order samples, milliseconds; +Infinity and −Infinity without any. */
  minTime = Number.POSITIVE_INFINITY;
  maxTime = Number.NEGATIVE_INFINITY;
  minOutOfOrderTime = Number.POSITIVE_INFINITY;
  maxOutOfOrderTime = Number.NEGATIVE_INFINITY;
  /** Older in-order samples are in blocks. */
  minValidTime = Number.NEGATIVE_INFINITY;
  /** Readers that hold series indexes or chunk references. */
  readers = 0;
  #lastRef = 0;
  #wal: LogWriter | null = null;
  #wbl: LogWriter | null = null;
  #recycle = false;
  readonly #histograms = new Map<number, OpenHistogram>();
  #scratch = new Uint8Array(2048);
  readonly #seriesRecord = new SeriesRecord();
  readonly #sampleRecord = new SampleRecord();
  readonly #histogramRecords = histogramRecordTypes.map((type) => new HistogramRecord(type));
  readonly #exemplarRecord = new ExemplarRecord();
  readonly #metadataRecord = new MetadataRecord();
  readonly #wblSamples = new SampleRecord();
  readonly #wblHistograms = histogramRecordTypes.map((type) => new HistogramRecord(type));
  readonly #one = new SampleColumns(1);
  readonly #found = new SampleColumns(256);
  #foundSeries = -1;
  #foundKey = "";

  /** A head without data; `replayLive` fills it from what is on disk. */
  constructor(dir: string, options: LiveHeadOptions, deps: LiveHeadDeps) {
    this.dir = dir;
    this.options = options;
    this.deps = deps;
    mkdirSync(dir, { recursive: true });
    this.files = new HeadChunkFiles(join(dir, "chunks_head"));
    this.exemplars = new ExemplarRing(options.exemplarsMax);
  }

  /** Begins new segments of the logs; call it once, after replaying. */
  startLogs(walSegment: number, wblSegment: number): void {
    const syncFailed = (error: Error): void =>
      this.deps.report({ file: this.dir, offset: 0, reason: `sync of the log: ${error.message}` });
    const options = {
      segmentBytes: this.options.segmentBytes,
      compress: this.options.walCompression,
    };
    this.#wal = LogWriter.open(join(this.dir, "wal"), walSegment, { syncFailed }, options);
    if (this.options.outOfOrderWindowMs > 0 || wblSegment > 0) {
      this.#wbl = LogWriter.open(join(this.dir, "wbl"), wblSegment, { syncFailed }, options);
    }
  }

  get wal(): LogWriter {
    if (this.#wal === null) throw new TsdbError("TSDB_WAL_SEGMENT", "the log is not open");
    return this.#wal;
  }

  get wbl(): LogWriter | null {
    return this.#wbl;
  }

  /** Bytes of memory off the JavaScript heap. */
  get bytes(): number {
    return this.table.columnBytes + this.table.labelBytes + this.floats.arena.bytes;
  }

  /** False while so much waits to be written that no more should be taken. */
  get writable(): boolean {
    const pending = (this.#wal?.pendingBytes ?? 0) + (this.#wbl?.pendingBytes ?? 0);
    return pending < pendingBytesMax;
  }

  /** Samples before this are refused (or are out of order). */
  get appendFrom(): number {
    return Math.max(this.minValidTime, this.maxTime - this.options.chunkRangeMs / 2);
  }

  /** The series with these label bytes, or −1. */
  find(data: Uint8Array, start: number, end: number): number {
    return this.table.find(data, start, end, this.table.hashOf(data, start, end));
  }

  /** Adds a series that is not there; its labels are canonical and checked. */
  create(data: Uint8Array, start: number, end: number): number {
    const series = this.restore(data, start, end, this.#lastRef + 1);
    this.#seriesRecord.push(this.#lastRef, this.table.labels(series));
    return series;
  }

  /** Adds a series that logs know as `ref`. */
  restore(data: Uint8Array, start: number, end: number, ref: number): number {
    const { table } = this;
    const series = table.add(data, start, end, table.hashOf(data, start, end), ref);
    this.#lastRef = Math.max(this.#lastRef, ref);
    this.postings.add(series, table.labels(series));
    return series;
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

  /** Appends a float, given as two words. */
  append(series: number, time: number, high: number, low: number): Verdict {
    const { table } = this;
    const kind = table.kind[series]!;
    if (kind > ChunkKind.float && high === 0x7ff00000 && low === 2) {
      return this.appendHistogram(series, time, staleHistogram(kind === ChunkKind.integer));
    }
    const last = table.lastTime[series]!;
    if (time > last && time >= this.appendFrom) {
      this.#sampleRecord.push(table.ref[series]!, time, high, low);
      this.putFloat(series, time, high, low);
      return Verdict.stored;
    }
    if (
      time === last &&
      kind === ChunkKind.float &&
      table.high[series] === (high | 0) &&
      table.low[series] === (low | 0)
    ) {
      return Verdict.same;
    }
    const one = this.#one;
    one.reset();
    one.pushFloat(time, 0);
    one.valueBits[0] = low;
    one.valueBits[1] = high;
    return this.#late(series, one, null);
  }

  /** Stores an in-order float without logging it. */
  putFloat(series: number, time: number, high: number, low: number): void {
    const { table, floats } = this;
    if (time > this.maxTime) this.maxTime = time;
    if (time < this.minTime) this.minTime = time;
    const kind = table.kind[series]!;
    if (kind === ChunkKind.float) {
      const samples = table.samples[series]!;
      let cut = floats.byteLength(series) > floatChunkBytesMax;
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
        floats.append(series, time, high, low);
        return;
      }
      this.closeOpen(series);
    } else if (kind !== ChunkKind.none) {
      this.closeOpen(series);
    }
    floats.begin(series, time, high, low);
    table.nextAt[series] = rangeEnd(time, this.options.chunkRangeMs);
  }

  /** Appends a histogram that was checked. */
  appendHistogram(series: number, time: number, h: FloatHistogram): Verdict {
    const last = this.table.lastTime[series]!;
    if (time > last && time >= this.appendFrom) {
      this.#histogramRecords[histogramRecordIndex(h)]!.push(this.table.ref[series]!, time, h);
      this.putHistogram(series, time, h);
      return Verdict.stored;
    }
    const one = this.#one;
    one.reset();
    one.pushHistogram(time, h);
    return this.#late(series, one, h);
  }

  /** Stores an in-order histogram without logging it. */
  putHistogram(series: number, time: number, h: FloatHistogram): void {
    const { table } = this;
    if (time > this.maxTime) this.maxTime = time;
    if (time < this.minTime) this.minTime = time;
    const kind = h.integer ? ChunkKind.integer : ChunkKind.floatHistogram;
    const before = table.kind[series] === kind ? this.#histograms.get(series)! : null;
    let open = before;
    if (open === null || this.#histogramIsFull(series, open, time)) {
      open = this.#beginHistogram(series, time, h.integer);
      if (before !== null) open.appender.header = continuedHeader(before.appender, h);
    }
    const next = appendHistogram(open.appender, time, h);
    if (next.cut) {
      this.closeOpen(series);
      this.#openHistogram(series, time, next.appender);
    } else {
      open.appender = next.appender;
    }
    table.lastTime[series] = time;
  }

  #histogramIsFull(series: number, open: OpenHistogram, time: number): boolean {
    const { table } = this;
    const { appender } = open;
    const bytes = appender.byteLength;
    const start = table.openTime[series]!;
    const rangeStart = open.endPredicted
      ? rangeEnd(start, this.options.chunkRangeMs)
      : table.nextAt[series]!;
    if (!open.endPredicted && bytes >= histogramChunkBytes / 4) {
      const ratio = histogramChunkBytes / bytes;
      table.nextAt[series] = chunkEnd(start, table.lastTime[series]!, table.nextAt[series]!, ratio);
      open.endPredicted = true;
    }
    const full = time >= table.nextAt[series]! || bytes >= 2 * histogramChunkBytes;
    return full && (appender.count >= histogramSamplesMin || time >= rangeStart);
  }

  #beginHistogram(series: number, time: number, integer: boolean): OpenHistogram {
    this.closeOpen(series);
    return this.#openHistogram(series, time, new HistogramAppender({ integer, startTimes: false }));
  }

  #openHistogram(series: number, time: number, appender: HistogramAppender): OpenHistogram {
    const { table } = this;
    const open: OpenHistogram = { appender, endPredicted: false };
    this.#histograms.set(series, open);
    table.kind[series] = appender.kind.integer ? ChunkKind.integer : ChunkKind.floatHistogram;
    table.openTime[series] = time;
    table.nextAt[series] = rangeEnd(time, this.options.chunkRangeMs);
    return open;
  }

  /** What is not in order: stored already, refused, or put into the out-of-order part. */
  #late(series: number, one: SampleColumns, h: FloatHistogram | null): Verdict {
    const time = one.times[0]!;
    const last = this.table.lastTime[series]!;
    const stored = time <= last ? this.#storedAt(series, time) : -1;
    if (stored >= 0) {
      const found = this.#found;
      const other = found.histograms?.[stored];
      const same =
        h === null
          ? other === undefined
            ? found.valueBits[2 * stored] === one.valueBits[0] &&
              found.valueBits[2 * stored + 1] === one.valueBits[1]
            : one.isStale(0) && isStale(other.sum)
          : other !== undefined &&
            (equalHistograms(other, h) || (isStale(h.sum) && isStale(other.sum)));
      if (same) return Verdict.same;
      if (time === last && time >= this.appendFrom) return Verdict.duplicate;
    }
    const window = this.options.outOfOrderWindowMs;
    if (window > 0 && time >= this.maxTime - window) return this.#putOutOfOrder(series, one, h);
    if (window > 0) return Verdict.tooOld;
    if (time < this.appendFrom) return Verdict.outOfBounds;
    return stored >= 0 ? Verdict.duplicate : Verdict.outOfOrder;
  }

  /** Index in `#found` of the in-order sample of that time, −1 if there is none in the open chunk. */
  #storedAt(series: number, time: number): number {
    const { table } = this;
    if (table.kind[series] === ChunkKind.none || time < table.openTime[series]!) return -1;
    const key = `${table.ref[series]}:${table.lastTime[series]}`;
    if (this.#foundSeries !== series || this.#foundKey !== key) {
      this.#found.reset();
      this.openInto(series, this.#found);
      this.#foundSeries = series;
      this.#foundKey = key;
    }
    const { times, count } = this.#found;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low < count && times[low] === time ? low : -1;
  }

  #putOutOfOrder(series: number, one: SampleColumns, h: FloatHistogram | null): Verdict {
    const ref = this.table.ref[series]!;
    const time = one.times[0]!;
    const state = this.outOfOrderOf(series);
    if (state.open !== null && state.open.count >= this.options.outOfOrderMax) {
      const mmapRef = this.closeOutOfOrder(series, state);
      this.#flushWblRecords();
      // The chunk must be on its way to disk before the log says that it need not be replayed.
      this.files.flush();
      this.#wbl!.append(mmapMarkerRecord(ref, mmapRef));
    }
    if (!this.insertOutOfOrder(series, one)) {
      const { samples } = state.open!;
      const at = samples.times.indexOf(time);
      const other = samples.histograms?.[at];
      const same =
        h === null
          ? other === undefined &&
            samples.valueBits[2 * at] === one.valueBits[0] &&
            samples.valueBits[2 * at + 1] === one.valueBits[1]
          : other !== undefined && equalHistograms(other, h);
      return same ? Verdict.same : Verdict.duplicate;
    }
    if (h === null) {
      this.#wblSamples.push(ref, time, one.valueBits[1]!, one.valueBits[0]!);
    } else {
      this.#wblHistograms[histogramRecordIndex(h)]!.push(ref, time, h);
    }
    return Verdict.stored;
  }

  outOfOrderOf(series: number): OutOfOrderSeries {
    let state = this.outOfOrder.get(series);
    if (state === undefined) {
      state = { first: -1, last: -1, open: null };
      this.outOfOrder.set(series, state);
    }
    return state;
  }

  /** Puts a sample into the open out-of-order chunk without logging it; false if its time is taken. */
  insertOutOfOrder(series: number, one: SampleColumns): boolean {
    const state = this.outOfOrderOf(series);
    state.open ??= new OutOfOrderChunk();
    if (!state.open.insert(one, 0)) return false;
    const time = one.times[0]!;
    if (time < this.minOutOfOrderTime) this.minOutOfOrderTime = time;
    if (time > this.maxOutOfOrderTime) this.maxOutOfOrderTime = time;
    return true;
  }

  /** Writes the open out-of-order chunk to the files; returns the last reference. */
  closeOutOfOrder(series: number, state: OutOfOrderSeries): number {
    let ref = 0;
    const seriesRef = this.table.ref[series]!;
    const options = { ...encodeSamplesDefaults, samplesPerChunk: 65_535 };
    for (const chunk of state.open?.encoded(options) ?? []) {
      const { encoding, minTime, maxTime, data } = chunk;
      ref = this.files.append(seriesRef, minTime, maxTime, encoding, true, data);
      this.linkOutOfOrder(state, this.chunks.add(ref, minTime, maxTime, encoding));
    }
    state.open = null;
    return ref;
  }

  linkOutOfOrder(state: OutOfOrderSeries, row: number): void {
    if (state.last >= 0) this.chunks.next[state.last] = row;
    else state.first = row;
    state.last = row;
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
    if (this.table.kind[series] === ChunkKind.float) this.floats.drop(series);
    else this.#histograms.delete(series);
    this.table.kind[series] = ChunkKind.none;
  }

  /** The open chunk, complete; its encoding is the series' kind. Valid until the next call. */
  openBytes(series: number): Uint8Array {
    if (this.table.kind[series] !== ChunkKind.float) {
      return this.#histograms.get(series)!.appender.finish();
    }
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
    if (kind === ChunkKind.float) return this.table.samples[series]!;
    return this.#histograms.get(series)!.appender.count;
  }

  /** Appends an exemplar of a series. */
  appendExemplar(series: number, time: number, value: number, labels: Labels): ExemplarVerdict {
    const verdict = this.exemplars.judge(series, time, value, labels);
    if (verdict !== "ok") return verdict;
    this.exemplars.add({ series, time, value, labels });
    this.#exemplarRecord.push(this.table.ref[series]!, time, value, labels);
    return verdict;
  }

  /** Notes metadata of a series; logged only where it changes. */
  setMetadata(series: number, metadata: SeriesMetadata): void {
    const old = this.metadata.get(series);
    const { type, unit, help } = metadata;
    if (old?.type === type && old.unit === unit && old.help === help) return;
    this.metadata.set(series, metadata);
    this.#metadataRecord.push(this.table.ref[series]!, type, unit, help);
  }

  /** Deletes samples of series that match, in [minTime, maxTime]; logged at the next commit. */
  delete(matchers: readonly Matcher[], minTime: number, maxTime: number): number {
    const items: { ref: number; minTime: number; maxTime: number }[] = [];
    for (const series of this.select(matchers)) {
      this.addTombstone(series, { minTime, maxTime });
      items.push({ ref: this.table.ref[series]!, minTime, maxTime });
    }
    if (items.length > 0) this.wal.append(tombstoneRecord(items));
    return items.length;
  }

  addTombstone(series: number, interval: Interval): void {
    this.tombstones.set(series, addInterval(this.tombstones.get(series) ?? [], interval));
  }

  /** Indexes of matching series, ascending. */
  select(matchers: readonly Matcher[]): Uint32Array {
    return this.postings.select(matchers, () => Uint32Array.from(this.table.all()));
  }

  #flushWblRecords(): void {
    for (const record of [this.#wblSamples, ...this.#wblHistograms]) {
      if (record.count === 0) continue;
      this.#wbl!.append(record.view());
      record.reset();
    }
  }

  /** Writes everything appended since the last commit to the logs. Throws what the file system throws. */
  commit(): void {
    const wal = this.wal;
    for (const record of [
      this.#seriesRecord,
      this.#metadataRecord,
      this.#sampleRecord,
      ...this.#histogramRecords,
      this.#exemplarRecord,
    ]) {
      if (record.count === 0) continue;
      wal.append(record.view());
      record.reset();
    }
    wal.flush();
    if (this.#wbl !== null) {
      this.#flushWblRecords();
      this.#wbl.flush();
    }
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
      this.metadata.delete(series);
      this.tombstones.delete(series);
      this.outOfOrder.delete(series);
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
      if (this.#wal !== null) this.commit();
    } finally {
      this.#wal?.close();
      this.#wbl?.close();
      this.#wal = null;
      this.#wbl = null;
      await this.files.close();
    }
  }
}
