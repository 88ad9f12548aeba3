// Opens a head: m-mapped chunks, checkpoint, write-ahead log, out-of-order log. What is damaged costs only itself and is
// mended on the way, so that the next start, ours or Prometheus', finds a sound folder.
import { mkdir, readdir, readFile, rename, rm, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { SampleColumns } from "@deucalion/model";
import { TsdbError } from "../../errors.ts";
import { readHeadChunks } from "../../wal/head-chunks.ts";
import { lastCheckpoint, listSegments, type NumberedName } from "../../wal/log-directory.ts";
import { readLogSegment } from "../../wal/log-reader.ts";
import { LogWriter, segmentName } from "../../wal/log-writer.ts";
import { SampleRecordReader } from "../../wal/sample-record-reader.ts";
import { decodeWalRecord, type WalRecord, WalRecordType } from "../../wal/wal-record.ts";
import { staleHistogram } from "../head-series.ts";
import { headChunkFileNumber } from "./head-chunk-files.ts";
import { LiveHead } from "./live-head.ts";
import type { LiveHeadDeps, LiveHeadOptions } from "./live-options.ts";
import { RefIndex } from "./ref-index.ts";
import { SeriesRecordReader } from "./series-record-reader.ts";
import { ChunkKind, holdsHistograms, holdsIntegers } from "./series-table.ts";

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
    const wal = await replay.log(join(dir, "wal"), (data) => replay.applyWal(data));
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

/** Entries of head chunk files as columns, and by series. */
interface StoredChunks {
  readonly refs: number[];
  readonly minTimes: number[];
  readonly maxTimes: number[];
  readonly encodings: number[];
  readonly inOrder: Map<number, number[]>;
  readonly outOfOrder: Map<number, number[]>;
  lastRef: number;
}

async function loadHeadChunks(
  folder: string,
  minValidTime: number,
  deps: LiveHeadDeps,
): Promise<StoredChunks> {
  const stored: StoredChunks = {
    refs: [],
    minTimes: [],
    maxTimes: [],
    encodings: [],
    inOrder: new Map(),
    outOfOrder: new Map(),
    lastRef: -1,
  };
  await mkdir(folder, { recursive: true });
  const names = (await readdir(folder)).filter((name) => headChunkFileNumber(name) >= 0).sort();
  let damaged = false;
  for (const name of names) {
    const file = join(folder, name);
    if (damaged) {
      await unlink(file);
      continue;
    }
    const data = await readFile(file);
    try {
      for (const entry of readHeadChunks(data, headChunkFileNumber(name))) {
        stored.lastRef = entry.chunkRef;
        if (entry.encoding < 1 || entry.encoding > 6) continue;
        if (!entry.outOfOrder && entry.maxTime < minValidTime) continue;
        const map = entry.outOfOrder ? stored.outOfOrder : stored.inOrder;
        const list = map.get(entry.seriesRef) ?? [];
        const last = list.at(-1);
        if (!entry.outOfOrder && last !== undefined && stored.maxTimes[last]! >= entry.minTime) {
          throw new TsdbError("TSDB_HEAD_CHUNKS", "out of sequence m-mapped chunk", {
            offset: entry.chunkRef % 4294967296,
          });
        }
        list.push(stored.refs.length);
        map.set(entry.seriesRef, list);
        stored.refs.push(entry.chunkRef);
        stored.minTimes.push(entry.minTime);
        stored.maxTimes.push(entry.maxTime);
        stored.encodings.push(entry.encoding);
      }
    } catch (thrown) {
      if (!(thrown instanceof TsdbError)) throw thrown;
      // From here on the logs are asked: what they skip would otherwise be missing.
      const offset = Number(thrown.data.offset ?? 0);
      deps.report({ file, offset, reason: thrown.message });
      damaged = true;
      if (offset >= 8) await truncate(file, offset);
      else await unlink(file);
    }
  }
  return stored;
}

/** Applies records of the logs to a head. */
class LiveReplay {
  readonly #head: LiveHead;
  readonly #stored: StoredChunks;
  readonly #index = new RefIndex();
  readonly #one = new SampleColumns(1);
  readonly #seriesReader = new SeriesRecordReader();
  readonly #sampleReader = new SampleRecordReader();
  readonly #visitSample = (ref: number, time: number, high: number, low: number): void =>
    this.#sample(ref, time, high, low, 0);

  constructor(head: LiveHead, stored: StoredChunks) {
    this.#head = head;
    this.#stored = stored;
  }

  /** Reads a log with its checkpoint; returns the number of its last segment, −1 for none. */
  async log(dir: string, apply: (data: Uint8Array) => void): Promise<number> {
    const checkpoint = await lastCheckpoint(dir);
    let last = checkpoint?.number ?? -1;
    if (checkpoint !== null) {
      const folder = join(dir, checkpoint.name);
      for (const segment of await listSegments(folder)) await this.#segment(folder, segment, apply);
    }
    for (const segment of await listSegments(dir)) {
      if (checkpoint !== null && segment.number <= checkpoint.number) continue;
      await this.#segment(dir, segment, apply);
      last = Math.max(last, segment.number);
    }
    return last;
  }

  async #segment(
    dir: string,
    segment: NumberedName,
    apply: (data: Uint8Array) => void,
  ): Promise<void> {
    const file = join(dir, segment.name);
    const { report } = this.#head.deps;
    const data = await readFile(file);
    let torn = false;
    const damage = (offset: number, reason: string): void => {
      torn = true;
      report({ file, offset, reason });
    };
    for (const record of readLogSegment(data, (one) => damage(one.offset, one.reason))) {
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
        for (const { ref, time, valueHigh, valueLow, labels } of record.exemplars) {
          const series = this.#index.get(ref);
          if (series < 0 || time < head.minValidTime) continue;
          const one = this.#one;
          one.valueBits[0] = valueLow;
          one.valueBits[1] = valueHigh;
          const value = one.values[0]!;
          if (head.exemplars.judge(series, time, value, labels) !== "ok") continue;
          head.exemplars.add({ series, time, value, labels });
        }
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
    let series = head.find(data, start, end);
    head.reserveRefs(ref);
    if (series < 0) series = head.restore(data, start, end, ref);
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

/** Writes a segment again with only its sound records. */
async function mendSegment(dir: string, segment: NumberedName, data: Uint8Array): Promise<void> {
  const folder = join(dir, `mend.${segmentName(segment.number)}.tmp`);
  await rm(folder, { recursive: true, force: true });
  const writer = LogWriter.open(
    folder,
    segment.number,
    { syncFailed: () => undefined },
    // What was compressed better before may need more room now: never begin another segment.
    { segmentBytes: Number.MAX_SAFE_INTEGER, compress: true },
  );
  for (const record of readLogSegment(data, () => undefined)) {
    writer.append(record.data);
    writer.flush();
  }
  writer.close();
  await rename(join(folder, segmentName(segment.number)), join(dir, segment.name));
  await rm(folder, { recursive: true, force: true });
}
