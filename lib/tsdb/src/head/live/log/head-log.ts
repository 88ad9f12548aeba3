// The logs of a head: records that grow while samples are appended, and the files they go to.
import { join } from "node:path";
import type { FloatHistogram } from "@deucalion/model";
import { TsdbError } from "../../../errors.ts";
import { type EndedSegment, LogWriter, type LogWriterOptions } from "../../../wal/log-writer.ts";
import {
  ExemplarRecord,
  HistogramRecord,
  histogramRecordIndex,
  histogramRecordTypes,
  MetadataRecord,
  mmapMarkerRecord,
  SampleRecord,
  SeriesRecord,
  StartHistogramRecord,
  StartSampleRecord,
} from "../../../wal/record-writer.ts";
import type { LiveHeadDeps, LiveHeadOptions } from "../live-options.ts";
import { SegmentRescue } from "./segment-rescue.ts";

/** The write-ahead log, and the one of samples that came out of order, which comes into being with the first of them. */
export class HeadLog {
  readonly series = new SeriesRecord();
  readonly #samples = new SampleRecord();
  readonly exemplars = new ExemplarRecord();
  readonly metadata = new MetadataRecord();
  readonly #lateSamples = new SampleRecord();
  readonly #startSamples = new StartSampleRecord();
  readonly #lateStartSamples = new StartSampleRecord();
  readonly #startHistograms = [new StartHistogramRecord(true), new StartHistogramRecord(false)];
  readonly #lateStartHistograms = [new StartHistogramRecord(true), new StartHistogramRecord(false)];
  readonly #startTimes: boolean;
  readonly #histograms = histogramRecordTypes.map((type) => new HistogramRecord(type));
  readonly #lateHistograms = histogramRecordTypes.map((type) => new HistogramRecord(type));
  readonly #dir: string;
  readonly #options: LogWriterOptions;
  readonly #rescue: SegmentRescue;
  #wal: LogWriter | null = null;
  #wbl: LogWriter | null = null;
  #wblSegment = 0;

  constructor(dir: string, options: LiveHeadOptions, deps: LiveHeadDeps) {
    this.#dir = dir;
    this.#startTimes = options.startTimes;
    this.#options = { segmentBytes: options.segmentBytes, compress: options.walCompression };
    this.#rescue = new SegmentRescue(deps.report);
  }

  /** Begins new segments; call it once, after replaying. */
  start(walSegment: number, wblSegment: number): void {
    this.#wal = this.#open("wal", walSegment);
    this.#wblSegment = wblSegment;
    if (wblSegment > 0) this.#wbl = this.#open("wbl", wblSegment);
  }

  #open(name: string, segment: number): LogWriter {
    const dir = join(this.#dir, name);
    const syncFailed = (error: Error, ended: EndedSegment): void =>
      this.#rescue.add(dir, ended, error);
    return LogWriter.open(dir, segment, { syncFailed }, this.#options);
  }

  get isOpen(): boolean {
    return this.#wal !== null;
  }

  get wal(): LogWriter {
    if (this.#wal === null) throw new TsdbError("TSDB_WAL_SEGMENT", "the log is not open");
    return this.#wal;
  }

  /** Null while nothing came out of order. */
  get wbl(): LogWriter | null {
    return this.#wbl;
  }

  /** Bytes that wait to be written. */
  get pendingBytes(): number {
    return (this.#wal?.pendingBytes ?? 0) + (this.#wbl?.pendingBytes ?? 0);
  }

  /** The value is given as two words; `start` is 0 for none. */
  float(ref: number, time: number, high: number, low: number, start: number): void {
    if (this.#startTimes) this.#startSamples.push(ref, time, high, low, start);
    else this.#samples.push(ref, time, high, low);
  }

  lateFloat(ref: number, time: number, high: number, low: number, start: number): void {
    if (this.#startTimes) this.#lateStartSamples.push(ref, time, high, low, start);
    else this.#lateSamples.push(ref, time, high, low);
  }

  histogram(ref: number, time: number, h: FloatHistogram, start: number): void {
    if (this.#startTimes) this.#startHistograms[h.integer ? 0 : 1]!.push(ref, time, h, start);
    else this.#histograms[histogramRecordIndex(h)]!.push(ref, time, h);
  }

  lateHistogram(ref: number, time: number, h: FloatHistogram, start: number): void {
    if (this.#startTimes) this.#lateStartHistograms[h.integer ? 0 : 1]!.push(ref, time, h, start);
    else this.#lateHistograms[histogramRecordIndex(h)]!.push(ref, time, h);
  }

  /** Notes that what was logged of a series out of order so far is in chunks up to `mmapRef`. */
  lateMarker(ref: number, mmapRef: number): void {
    this.#late().append(mmapMarkerRecord(ref, mmapRef));
  }

  #late(): LogWriter {
    this.#wbl ??= this.#open("wbl", this.#wblSegment);
    return this.#wbl;
  }

  /** Queues the records of samples out of order. */
  flushLateRecords(): void {
    for (const record of [
      this.#lateSamples,
      ...this.#lateHistograms,
      this.#lateStartSamples,
      ...this.#lateStartHistograms,
    ]) {
      if (record.count === 0) continue;
      this.#late().append(record.view());
      record.reset();
    }
  }

  /**
   * Writes everything since the last commit. Throws what the file system throws, and TSDB_WAL_SYNC while an earlier
   * segment is not known to be on disk.
   */
  commit(): void {
    const wal = this.wal;
    for (const record of [
      this.series,
      this.metadata,
      this.#samples,
      ...this.#histograms,
      this.#startSamples,
      ...this.#startHistograms,
      this.exemplars,
    ]) {
      if (record.count === 0) continue;
      wal.append(record.view());
      record.reset();
    }
    wal.flush();
    this.flushLateRecords();
    this.#wbl?.flush();
    this.#rescue.assertNone();
  }

  /** Writes everything and closes. */
  close(): void {
    try {
      if (this.#wal !== null) this.commit();
    } finally {
      this.#wal?.close();
      this.#wbl?.close();
      this.#rescue.close();
      this.#wal = null;
      this.#wbl = null;
    }
  }
}
