// Opens a head: m-mapped chunks, checkpoint, write-ahead log, out-of-order log. What is damaged costs only itself and is
// mended on the way, so that the next start, ours or Prometheus', finds a sound folder.
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { encodeLabels, SampleColumns } from "@deucalion/model";
import { decodeChunkInto } from "../../../chunk/decode-chunk.ts";
import { TsdbError } from "../../../errors.ts";
import {
  lastCheckpoint,
  lastSnapshot,
  listSegments,
  type NumberedName,
} from "../../../wal/log-directory.ts";
import { type LogDamage, readLogSegment } from "../../../wal/log-reader.ts";
import { SampleRecordReader } from "../../../wal/sample-record-reader.ts";
import { decodeSnapshotRecord, type SnapshotRecord } from "../../../wal/snapshot-record.ts";
import {
  decodeWalRecord,
  type WalExemplar,
  type WalRecord,
  WalRecordType,
} from "../../../wal/wal-record.ts";
import { staleHistogram } from "../../head-series.ts";
import { loadHeadChunks, type StoredChunks } from "../chunks/stored-chunks.ts";
import { LiveHead } from "../live-head.ts";
import type { LiveHeadDeps, LiveHeadOptions } from "../live-options.ts";
import { ChunkKind, holdsHistograms, holdsIntegers } from "../series/series-table.ts";
import { mendSegment } from "./mend-segment.ts";
import { RefIndex } from "./ref-index.ts";
import { SeriesRecordReader } from "./series-record-reader.ts";

/** Opens the head in `dir`; in-order samples before `minValidTime` (ms) are in blocks. Its logs are ready for writing. */
export async function openLiveHead(
  dir: string,
  minValidTime: number,
  options: LiveHeadOptions,
  deps: LiveHeadDeps,
): Promise<LiveHead> {
  const stored = await loadHeadChunks(join(dir, "chunks_head"), minValidTime, deps);
  const head = new LiveHead(dir, options, deps);
  head.minValidTime = minValidTime;
  try {
    const replay = new LiveReplay(head, stored);
    const snapshot = options.memorySnapshot ? await replay.snapshot(dir) : null;
    const wal = await replay.log(join(dir, "wal"), (data) => replay.applyWal(data), snapshot);
    const wbl = await replay.log(join(dir, "wbl"), (data) =>
      replay.applyWbl(decodeWalRecord(data)),
    );
    await removeSnapshots(dir);
    head.log.start(wal + 1, wbl + 1);
    head.indexLater();
    return head;
  } catch (thrown) {
    await head.files.close();
    throw thrown;
  }
}

/** Memory snapshots would be out of date as soon as the log goes on; the log holds what they hold. */
async function removeSnapshots(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!/^chunk_snapshot\./.test(name)) continue;
    await rm(join(dir, name), { recursive: true, force: true });
  }
}

/** A place in a log: behind `offset` of a segment. */
interface LogPlace {
  readonly number: number;
  readonly offset: number;
}

/** Applies records of the logs to a head. */
class LiveReplay {
  readonly #head: LiveHead;
  readonly #stored: StoredChunks;
  readonly #index = new RefIndex();
  readonly #one = new SampleColumns(1);
  readonly #chunk = new SampleColumns(256);
  /** Of one record after the other. */
  readonly #memory = new Uint8Array(1 << 20);
  readonly #seriesReader = new SeriesRecordReader();
  readonly #sampleReader = new SampleRecordReader();
  readonly #visitSample = (ref: number, time: number, high: number, low: number): void =>
    this.#sample(ref, time, high, low, 0);

  constructor(head: LiveHead, stored: StoredChunks) {
    this.#head = head;
    this.#stored = stored;
  }

  /** Begins with the last snapshot, if it is sound and of this log; says up to where it stands for the log. */
  async snapshot(dir: string): Promise<LogPlace | null> {
    const snapshot = await lastSnapshot(dir);
    const last = (await listSegments(join(dir, "wal"))).at(-1)?.number ?? -1;
    if (snapshot === null || snapshot.number > last) return null;
    const folder = join(dir, snapshot.name);
    const { report } = this.#head.deps;
    const files: { readonly file: string; readonly data: Uint8Array }[] = [];
    let sound = true;
    for (const segment of await listSegments(folder)) {
      const file = join(folder, segment.name);
      const data = await readFile(file);
      files.push({ file, data });
      for (const { data: record } of readLogSegment(data, (one) => {
        sound = false;
        report({ file, ...one });
      })) {
        if (record[0]! < 1 || record[0]! > 3) sound = false;
      }
    }
    // The log has all of it: what is damaged is not worth mending.
    if (!sound) return null;
    for (const { data } of files) {
      for (const record of readLogSegment(data, () => undefined)) {
        this.#applySnapshot(decodeSnapshotRecord(record.data));
      }
    }
    return snapshot;
  }

  #applySnapshot(record: SnapshotRecord): void {
    const head = this.#head;
    if (record.kind === "exemplars") {
      this.#exemplars(record.exemplars);
    } else if (record.kind === "tombstones") {
      for (const [ref, intervals] of record.tombstones) {
        const series = this.#index.get(ref);
        if (series >= 0) for (const one of intervals) head.addTombstone(series, one);
      }
    } else {
      const { ref, chunk } = record;
      const { data, start, end } = encodeLabels(record.labels);
      this.#addSeries(ref, data, start, end);
      if (chunk === null) return;
      const samples = this.#chunk;
      samples.reset();
      decodeChunkInto(chunk.encoding, chunk.data, 0, chunk.data.length, samples);
      const series = this.#index.get(ref);
      for (let i = 0; i < samples.count; i++) {
        const time = samples.times[i]!;
        if (time < head.minValidTime || time <= head.table.lastTime[series]!) continue;
        const startTime = samples.startTimes?.[i] ?? 0;
        const h = samples.histograms?.[i];
        const high = samples.valueBits[2 * i + 1]! | 0;
        if (h === undefined)
          this.#sample(ref, time, high, samples.valueBits[2 * i]! | 0, startTime);
        else head.putHistogram(series, time, h, head.options.startTimes ? startTime : 0);
      }
    }
  }

  #exemplars(exemplars: readonly WalExemplar[]): void {
    const head = this.#head;
    for (const { ref, time, valueHigh, valueLow, labels } of exemplars) {
      const series = this.#index.get(ref);
      if (series < 0 || time < head.minValidTime) continue;
      const one = this.#one;
      one.valueBits[0] = valueLow;
      one.valueBits[1] = valueHigh;
      const value = one.values[0]!;
      if (head.exemplars.judge(series, time, value, labels) !== "ok") continue;
      head.exemplars.add({ series, time, value, labels });
    }
  }

  /** Reads a log with its checkpoint, from `after` on; returns the number of its last segment, −1 for none. */
  async log(
    dir: string,
    apply: (data: Uint8Array) => void,
    after: LogPlace | null = null,
  ): Promise<number> {
    const checkpoint = await lastCheckpoint(dir);
    let last = checkpoint?.number ?? -1;
    if (checkpoint !== null && !(after !== null && checkpoint.number < after.number)) {
      const folder = join(dir, checkpoint.name);
      for (const segment of await listSegments(folder)) await this.#segment(folder, segment, apply);
    }
    for (const segment of await listSegments(dir)) {
      last = Math.max(last, segment.number);
      if (checkpoint !== null && segment.number <= checkpoint.number) continue;
      if (after !== null && segment.number < after.number) continue;
      const from = after?.number === segment.number ? after.offset : 0;
      await this.#segment(dir, segment, apply, from);
      last = Math.max(last, segment.number);
    }
    return last;
  }

  async #segment(
    dir: string,
    segment: NumberedName,
    apply: (data: Uint8Array) => void,
    from = 0,
  ): Promise<void> {
    const file = join(dir, segment.name);
    const { report } = this.#head.deps;
    const data = await readFile(file);
    let torn = false;
    const damage = (offset: number, reason: string): void => {
      torn = true;
      report({ file, offset, reason });
    };
    const told = (one: LogDamage): void => damage(one.offset, one.reason);
    for (const record of readLogSegment(data, told, this.#memory)) {
      if (record.offset <= from) continue;
      try {
        apply(record.data);
      } catch (thrown) {
        if (!(thrown instanceof TsdbError)) throw thrown;
        damage(record.offset, messageOf(thrown));
      }
    }
    if (torn) await mendSegment(dir, segment, data);
  }

  applyWal(data: Uint8Array): void {
    if (data[0] === WalRecordType.series) {
      this.#seriesReader.read(data, (ref, labels, start, end) =>
        this.#addSeries(ref, labels, start, end),
      );
      return;
    }
    if (data[0] === WalRecordType.samples) {
      this.#sampleReader.read(data, this.#visitSample);
      return;
    }
    const head = this.#head;
    const record = decodeWalRecord(data);
    switch (record.kind) {
      case "samples": {
        const { count, refs, times, startTimes, valueBits } = record.samples;
        for (let i = 0; i < count; i++) {
          const start = startTimes[i]!;
          this.#sample(
            refs[i]!,
            times[i]!,
            valueBits[2 * i + 1]! | 0,
            valueBits[2 * i]! | 0,
            start,
          );
        }
        return;
      }
      case "histograms":
        for (const { ref, time, startTime, histogram } of record.histograms) {
          const series = this.#index.get(ref);
          if (series < 0 || time < head.minValidTime) continue;
          if (time <= head.table.lastTime[series]!) continue;
          head.putHistogram(series, time, histogram, head.options.startTimes ? startTime : 0);
        }
        return;
      case "tombstones":
        for (const { ref, intervals } of record.tombstones) {
          const series = this.#index.get(ref);
          if (series < 0) continue;
          const [only] = intervals;
          if (only !== undefined && only.minTime <= -(2 ** 62) && only.maxTime >= 2 ** 62) {
            this.#index.delete(ref);
            head.removeSeries(new Set([series]), Number.MAX_SAFE_INTEGER);
            continue;
          }
          for (const one of intervals) {
            if (one.maxTime >= head.minValidTime) head.addTombstone(series, one);
          }
        }
        return;
      case "exemplars":
        this.#exemplars(record.exemplars);
        return;
      case "metadata":
        for (const { ref, type, unit, help } of record.metadata) {
          const series = this.#index.get(ref);
          if (series < 0) continue;
          const entry = head.metadata.of({ type, unit, help });
          if (entry >= 0) head.restoreMetadata(series, entry);
        }
        return;
      default:
        return;
    }
  }

  #sample(ref: number, time: number, high: number, low: number, startTime: number): void {
    const head = this.#head;
    const start = head.options.startTimes ? startTime : 0;
    if (time < head.minValidTime) return;
    const series = this.#index.get(ref);
    if (series < 0 || time <= head.table.lastTime[series]!) return;
    if (high === 0x7ff00000 && low === 2) {
      const kind = this.#kindBefore(series);
      if (holdsHistograms(kind)) {
        head.putHistogram(series, time, staleHistogram(holdsIntegers(kind)), start);
        return;
      }
    }
    head.putFloat(series, time, high, low, start);
  }

  /** What the newest chunk of a series holds. */
  #kindBefore(series: number): number {
    const { table, chunks } = this.#head;
    if (table.kind[series] !== ChunkKind.none) return table.kind[series]!;
    const last = table.lastChunk[series]!;
    if (last < 0) return ChunkKind.none;
    return chunks.encoding[last]!;
  }

  #addSeries(ref: number, data: Uint8Array, start: number, end: number): void {
    const head = this.#head;
    const { table } = head;
    const hash = table.hashOf(data, start, end);
    let series = head.find(data, start, end, hash);
    head.reserveRefs(ref);
    if (series < 0) series = head.restore(data, start, end, ref, hash);
    else if (this.#index.get(ref) === series) return;
    this.#index.set(ref, series);
    const inOrder = this.#stored.inOrder.get(ref) ?? [];
    const outOfOrder = this.#stored.outOfOrder.get(ref) ?? [];
    if (inOrder.length > 0) {
      const first = this.#stored.minTimes[inOrder[0]!]!;
      // A series that was given a new number: its older samples come before its stored chunks, or are the same.
      if (first > table.lastTime[series]!) head.closeOpen(series);
      else this.#forget(series);
      for (const at of inOrder) {
        head.link(series, this.#row(at));
        const maxTime = this.#stored.maxTimes[at]!;
        table.lastTime[series] = maxTime;
        head.minTime = Math.min(head.minTime, this.#stored.minTimes[at]!);
        head.maxTime = Math.max(head.maxTime, maxTime);
      }
    }
    if (outOfOrder.length === 0) return;
    const state = head.late.of(series);
    for (const at of outOfOrder) {
      head.late.link(state, this.#row(at));
      head.late.minTime = Math.min(head.late.minTime, this.#stored.minTimes[at]!);
      head.late.maxTime = Math.max(head.late.maxTime, this.#stored.maxTimes[at]!);
    }
  }

  #row(at: number): number {
    const { refs, minTimes, maxTimes, encodings } = this.#stored;
    return this.#head.chunks.add(refs[at]!, minTimes[at]!, maxTimes[at]!, encodings[at]!);
  }

  #forget(series: number): void {
    const { table, chunks } = this.#head;
    this.#head.dropOpen(series);
    for (let row = table.firstChunk[series]!; row >= 0; ) {
      const next = chunks.next[row]!;
      chunks.remove(row);
      row = next;
    }
    table.firstChunk[series] = -1;
    table.lastChunk[series] = -1;
    table.lastTime[series] = Number.NEGATIVE_INFINITY;
  }

  applyWbl(record: WalRecord): void {
    const head = this.#head;
    const one = this.#one;
    if (record.kind === "samples") {
      const { count, refs, times, startTimes, valueBits } = record.samples;
      for (let i = 0; i < count; i++) {
        const series = this.#index.get(refs[i]!);
        if (series < 0) continue;
        one.reset();
        one.pushFloat(times[i]!, 0, head.options.startTimes ? startTimes[i]! : 0);
        one.valueBits[0] = valueBits[2 * i]!;
        one.valueBits[1] = valueBits[2 * i + 1]!;
        this.#insert(series);
      }
    } else if (record.kind === "histograms") {
      for (const { ref, time, startTime, histogram } of record.histograms) {
        const series = this.#index.get(ref);
        if (series < 0) continue;
        one.reset();
        one.pushHistogram(time, histogram, head.options.startTimes ? startTime : 0);
        this.#insert(series);
      }
    } else if (record.kind === "markers") {
      for (const { ref, mmapRef } of record.markers) {
        if (mmapRef > this.#stored.lastRef) continue;
        const state = head.late.series.get(this.#index.get(ref));
        if (state !== undefined) state.open = null;
      }
    }
  }

  #insert(series: number): void {
    const head = this.#head;
    const state = head.late.of(series);
    if (state.open !== null && state.open.count >= head.options.outOfOrderMax) {
      head.late.close(series, state);
    }
    head.late.insert(series, this.#one);
  }
}
