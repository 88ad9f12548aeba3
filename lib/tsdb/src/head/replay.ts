// Replays what a stopped database left: snapshot, m-mapped chunks, checkpoint, write-ahead log, out-of-order log.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { SampleColumns } from "@deucalion/model";
import { addInterval, type Interval } from "../block/tombstones.ts";
import { TsdbError } from "../errors.ts";
import { type HeadChunkEntry, readHeadChunks } from "../wal/head-chunks.ts";
import {
  lastCheckpoint,
  lastSnapshot,
  listSegments,
  readSegmentFile,
} from "../wal/log-directory.ts";
import { decodeSnapshotRecord } from "../wal/snapshot-record.ts";
import { decodeWalRecord, type WalRecord } from "../wal/wal-record.ts";
import { Head } from "./head.ts";
import { type ClosedChunk, type HeadOptions, HeadSeries, headDefaults } from "./head-series.ts";

/** Something of a data folder that could not be read. The rest was. */
export interface ReplayDamage {
  readonly file: string;
  readonly offset: number;
  readonly reason: string;
}

export interface ReplayDeps {
  readonly report: (damage: ReplayDamage) => void;
}

/** In-order samples before `minValidTime` (ms) are in blocks and are left out. */
export async function replayHead(
  dir: string,
  minValidTime: number,
  deps: ReplayDeps,
  options: HeadOptions = headDefaults,
): Promise<Head> {
  const replay = new Replay(minValidTime, options, deps);
  await replay.run(dir);
  return replay.head();
}

interface StoredChunks {
  readonly inOrder: Map<number, ClosedChunk[]>;
  readonly outOfOrder: Map<number, ClosedChunk[]>;
  lastRef: number;
}

class Replay {
  readonly #minValidTime: number;
  readonly #options: HeadOptions;
  readonly #deps: ReplayDeps;
  readonly #series = new Map<number, HeadSeries>();
  readonly #byLabels = new Map<string, HeadSeries>();
  /** References of series that were made again under a new number. */
  readonly #sameAs = new Map<number, number>();
  readonly #tombstones = new Map<number, readonly Interval[]>();
  readonly #stored: StoredChunks = { inOrder: new Map(), outOfOrder: new Map(), lastRef: 0 };
  readonly #scratch = new SampleColumns(1);

  constructor(minValidTime: number, options: HeadOptions, deps: ReplayDeps) {
    this.#minValidTime = minValidTime;
    this.#options = options;
    this.#deps = deps;
  }

  async run(dir: string): Promise<void> {
    const report = this.#deps.report;
    const walDir = join(dir, "wal");
    const segments = await listSegments(walDir);
    const snapshot = await lastSnapshot(dir);
    const last = segments.at(-1)?.number ?? -1;
    const restored = snapshot !== null && snapshot.number <= last;
    if (restored) await this.#loadSnapshot(join(dir, snapshot.name));
    await this.#loadHeadChunks(join(dir, "chunks_head"));
    if (restored) this.#placeStoredChunks();
    const checkpoint = await lastCheckpoint(walDir);
    let from = 0;
    if (checkpoint !== null && !(restored && checkpoint.number < snapshot.number)) {
      const folder = join(walDir, checkpoint.name);
      for (const segment of await listSegments(folder)) {
        for await (const { data } of readSegmentFile(folder, segment, report)) {
          this.#apply(data, folder, (record) => this.#applyWal(record));
        }
      }
      from = checkpoint.number + 1;
    }
    if (restored) from = Math.max(from, snapshot.number);
    for (const segment of segments) {
      if (segment.number < from) continue;
      const skip = restored && segment.number === snapshot.number ? snapshot.offset : 0;
      for await (const { data, offset } of readSegmentFile(walDir, segment, report)) {
        if (offset > skip) this.#apply(data, segment.name, (record) => this.#applyWal(record));
      }
    }
    const wblDir = join(dir, "wbl");
    for (const segment of await listSegments(wblDir)) {
      for await (const { data } of readSegmentFile(wblDir, segment, report)) {
        this.#apply(data, segment.name, (record) => this.#applyWbl(record));
      }
    }
  }

  head(): Head {
    const series = new Map([...this.#series].filter(([, one]) => !one.isEmpty));
    return new Head(series, this.#tombstones);
  }

  #apply(data: Uint8Array, file: string, apply: (record: WalRecord) => void): void {
    try {
      apply(decodeWalRecord(data));
    } catch (thrown) {
      if (!(thrown instanceof TsdbError)) throw thrown;
      this.#deps.report({ file, offset: 0, reason: messageOf(thrown) });
    }
  }

  async #loadSnapshot(folder: string): Promise<void> {
    for (const segment of await listSegments(folder)) {
      for await (const { data } of readSegmentFile(folder, segment, this.#deps.report)) {
        const record = decodeSnapshotRecord(data);
        if (record.kind === "tombstones") {
          for (const [ref, intervals] of record.tombstones) this.#addTombstones(ref, intervals);
        } else if (record.kind === "series") {
          const series = new HeadSeries(record.ref, record.labels, this.#options);
          if (record.chunk !== null) series.restore(record.chunk);
          this.#series.set(record.ref, series);
          this.#byLabels.set(record.labels.key, series);
        }
      }
    }
  }

  /** Chunk files in order. From the first damage on they are left out: the logs hold their samples. */
  async #loadHeadChunks(folder: string): Promise<void> {
    let names: string[];
    try {
      names = (await readdir(folder)).filter((name) => /^\d{6,}$/.test(name)).sort();
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return;
      throw thrown;
    }
    for (const name of names) {
      const file = join(folder, name);
      try {
        for (const entry of readHeadChunks(await readFile(file), Number(name))) {
          this.#storeChunk(entry);
        }
      } catch (thrown) {
        if (!(thrown instanceof TsdbError)) throw thrown;
        const offset = Number(thrown.data.offset ?? 0);
        this.#deps.report({ file, offset, reason: thrown.message });
        return;
      }
    }
  }

  #storeChunk(entry: HeadChunkEntry): void {
    this.#stored.lastRef = entry.chunkRef;
    if (entry.encoding < 1 || entry.encoding > 6) return;
    if (!entry.outOfOrder && entry.maxTime < this.#minValidTime) return;
    const map = entry.outOfOrder ? this.#stored.outOfOrder : this.#stored.inOrder;
    const list = map.get(entry.seriesRef) ?? [];
    const last = list.at(-1);
    if (!entry.outOfOrder && last !== undefined && last.maxTime >= entry.minTime) {
      throw new TsdbError("TSDB_HEAD_CHUNKS", "out of sequence m-mapped chunk", {
        series: entry.seriesRef,
        offset: entry.chunkRef % 4294967296,
      });
    }
    const { encoding, minTime, maxTime, data } = entry;
    list.push({ encoding, minTime, maxTime, data });
    map.set(entry.seriesRef, list);
  }

  /** Gives the series of a snapshot their chunks; one that was open then and is closed by now is in them. */
  #placeStoredChunks(): void {
    for (const [ref, series] of this.#series) {
      const stored = this.#stored.inOrder.get(ref) ?? [];
      const open = series.closed.at(0);
      const covered = open !== undefined && (stored.at(-1)?.maxTime ?? -Infinity) >= open.minTime;
      series.resetTo(stored.slice(), this.#stored.outOfOrder.get(ref) ?? []);
      if (open !== undefined && !covered) series.restore(open);
    }
  }

  #addTombstones(ref: number, intervals: readonly Interval[]): void {
    for (const interval of intervals) {
      this.#tombstones.set(ref, addInterval(this.#tombstones.get(ref) ?? [], interval));
    }
  }

  #resolve(ref: number): HeadSeries | undefined {
    return this.#series.get(this.#sameAs.get(ref) ?? ref);
  }

  #applyWal(record: WalRecord): void {
    switch (record.kind) {
      case "series":
        for (const { ref, labels } of record.series) this.#addSeries(ref, labels);
        return;
      case "samples":
        this.#applySamples(record, (series, i) => {
          const { times, startTimes, valueBits } = record.samples;
          if (times[i]! < this.#minValidTime || times[i]! <= series.storedUntil) return;
          series.append(times[i]!, valueBits[2 * i + 1]!, valueBits[2 * i]!, startTimes[i]!);
        });
        return;
      case "histograms":
        for (const { ref, time, startTime, histogram } of record.histograms) {
          if (time < this.#minValidTime) continue;
          const series = this.#resolve(ref);
          if (series === undefined || time <= series.storedUntil) continue;
          series.appendHistogram(time, histogram, startTime);
        }
        return;
      case "tombstones":
        for (const { ref, intervals } of record.tombstones) this.#delete(ref, intervals);
        return;
      default:
        return;
    }
  }

  #addSeries(ref: number, labels: HeadSeries["labels"]): void {
    let series = this.#byLabels.get(labels.key);
    if (series === undefined) {
      series = new HeadSeries(ref, labels, this.#options);
      this.#series.set(ref, series);
      this.#byLabels.set(labels.key, series);
    } else if (series.ref !== ref) {
      this.#sameAs.set(ref, series.ref);
    }
    const inOrder = this.#stored.inOrder.get(ref) ?? [];
    series.resetTo(inOrder.slice(), (this.#stored.outOfOrder.get(ref) ?? []).slice());
  }

  #delete(ref: number, intervals: readonly Interval[]): void {
    const series = this.#resolve(ref);
    if (series === undefined) return;
    const [only] = intervals;
    const whole = only !== undefined && only.minTime <= -(2 ** 62) && only.maxTime >= 2 ** 62;
    if (whole) {
      this.#series.delete(series.ref);
      this.#byLabels.delete(series.labels.key);
      return;
    }
    const valid = intervals.filter((interval) => interval.maxTime >= this.#minValidTime);
    this.#addTombstones(series.ref, valid);
  }

  #applySamples(
    record: WalRecord & { kind: "samples" },
    visit: (series: HeadSeries, index: number) => void,
  ): void {
    const { count, refs } = record.samples;
    for (let i = 0; i < count; i++) {
      const series = this.#resolve(refs[i]!);
      if (series !== undefined) visit(series, i);
    }
  }

  #applyWbl(record: WalRecord): void {
    const scratch = this.#scratch;
    if (record.kind === "samples") {
      this.#applySamples(record, (series, i) => {
        const { times, startTimes, valueBits } = record.samples;
        scratch.reset();
        scratch.pushFloat(times[i]!, 0, startTimes[i]!);
        scratch.valueBits[0] = valueBits[2 * i]!;
        scratch.valueBits[1] = valueBits[2 * i + 1]!;
        series.insert(scratch, 0);
      });
    } else if (record.kind === "histograms") {
      for (const { ref, time, startTime, histogram } of record.histograms) {
        const series = this.#resolve(ref);
        if (series === undefined) continue;
        scratch.reset();
        scratch.pushHistogram(time, histogram, startTime);
        series.insert(scratch, 0);
      }
    } else if (record.kind === "markers") {
      for (const { ref, mmapRef } of record.markers) {
        if (mmapRef > this.#stored.lastRef) continue;
        const outOfOrder = this.#resolve(ref)?.outOfOrder;
        if (outOfOrder) outOfOrder.open = null;
      }
    }
  }
}
