// Checkpoints: what the oldest segments of a log still mean, written again in short.
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { encodeLabels } from "@deucalion/model";
import { syncDirectory } from "../../../block/durable-files.ts";
import { lastCheckpoint, listSegments } from "../../../wal/log-directory.ts";
import { readLogSegment } from "../../../wal/log-reader.ts";
import { LogWriter, segmentName } from "../../../wal/log-writer.ts";
import {
  ExemplarRecord,
  HistogramRecord,
  histogramRecordIndex,
  histogramRecordTypes,
  MetadataRecord,
  SampleRecord,
  SeriesRecord,
  StartHistogramRecord,
  StartSampleRecord,
  tombstoneRecord,
} from "../../../wal/record-writer.ts";
import { decodeWalRecord, type WalRecord } from "../../../wal/wal-record.ts";

export interface CheckpointOptions {
  /** Older samples are in blocks. */
  readonly minTime: number;
  /** False for series that nothing in the log or the head needs any more. */
  readonly keep: (ref: number) => boolean;
  readonly compress: boolean;
  readonly segmentBytes: number;
  readonly report: (damage: { file: string; offset: number; reason: string }) => void;
}

/** Work in one go at most, in bytes of log, before others get their turn. */
const turnBytes = 1 << 20;

/** Replaces the segments up to `upTo`, and the checkpoint before, by one checkpoint. */
export async function writeCheckpoint(
  dir: string,
  upTo: number,
  options: CheckpointOptions,
): Promise<void> {
  const name = `checkpoint.${segmentName(upTo)}`;
  const folder = join(dir, `${name}.tmp`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const writer = LogWriter.open(
    folder,
    0,
    // What it stands for is removed behind it: nothing of it may fail to be on disk.
    { syncFailed: null },
    { segmentBytes: options.segmentBytes, compress: options.compress },
  );
  const filter = new RecordFilter(writer, options);
  try {
    const before = await lastCheckpoint(dir);
    if (before !== null) {
      const old = join(dir, before.name);
      for (const segment of await listSegments(old)) await filter.segment(join(old, segment.name));
    }
    for (const segment of await listSegments(dir)) {
      if (segment.number > upTo || segment.number <= (before?.number ?? -1)) continue;
      await filter.segment(join(dir, segment.name));
    }
    filter.finish();
    writer.close();
  } catch (thrown) {
    writer.abandon();
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  }
  await syncDirectory(folder);
  await rename(folder, join(dir, name));
  await syncDirectory(dir);
  await removeBefore(dir, upTo);
}

/** Removes segments up to `upTo` and checkpoints before it. */
async function removeBefore(dir: string, upTo: number): Promise<void> {
  for (const segment of await listSegments(dir)) {
    if (segment.number <= upTo) await rm(join(dir, segment.name), { force: true });
  }
  for (const name of await readdir(dir)) {
    const number = /^checkpoint\.(\d+)(\.tmp)?$/.exec(name)?.[1];
    if (number !== undefined && Number(number) < upTo) {
      await rm(join(dir, name), { recursive: true, force: true });
    }
  }
}

class RecordFilter {
  readonly #writer: LogWriter;
  readonly #options: CheckpointOptions;
  readonly #metadata = new Map<number, { type: number; unit: string; help: string }>();

  constructor(writer: LogWriter, options: CheckpointOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  async segment(file: string): Promise<void> {
    const data = await readFile(file);
    const { report } = this.#options;
    let next = turnBytes;
    for (const record of readLogSegment(data, (one) => report({ file, ...one }))) {
      try {
        this.#record(decodeWalRecord(record.data));
      } catch (thrown) {
        report({ file, offset: record.offset, reason: messageOf(thrown) });
      }
      if (record.offset < next) continue;
      next = record.offset + turnBytes;
      this.#writer.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#writer.flush();
  }

  #record(record: WalRecord): void {
    const { keep, minTime } = this.#options;
    const writer = this.#writer;
    switch (record.kind) {
      case "series": {
        const out = new SeriesRecord();
        for (const { ref, labels } of record.series)
          if (keep(ref)) out.push(ref, encodeLabels(labels));
        if (out.count > 0) writer.append(out.view());
        return;
      }
      case "samples": {
        const { count, refs, times, startTimes, valueBits } = record.samples;
        const starts = startTimes.some((start) => start !== 0);
        const out = starts ? new StartSampleRecord() : new SampleRecord();
        for (let i = 0; i < count; i++) {
          if (times[i]! < minTime || !keep(refs[i]!)) continue;
          out.push(refs[i]!, times[i]!, valueBits[2 * i + 1]!, valueBits[2 * i]!, startTimes[i]!);
        }
        if (out.count > 0) writer.append(out.view());
        return;
      }
      case "histograms": {
        const outs = histogramRecordTypes.map((type) => new HistogramRecord(type));
        const starts = [new StartHistogramRecord(true), new StartHistogramRecord(false)];
        for (const { ref, time, startTime, histogram } of record.histograms) {
          if (time < minTime || !keep(ref)) continue;
          if (startTime !== 0) {
            starts[histogram.integer ? 0 : 1]!.push(ref, time, histogram, startTime);
          } else outs[histogramRecordIndex(histogram)]!.push(ref, time, histogram);
        }
        for (const out of [...outs, ...starts]) if (out.count > 0) writer.append(out.view());
        return;
      }
      case "tombstones": {
        const items = record.tombstones.flatMap(({ ref, intervals }) =>
          keep(ref)
            ? intervals.filter((one) => one.maxTime >= minTime).map((one) => ({ ref, ...one }))
            : [],
        );
        if (items.length > 0) writer.append(tombstoneRecord(items));
        return;
      }
      case "exemplars": {
        const out = new ExemplarRecord();
        const pair = new Float64Array(1);
        const words = new Uint32Array(pair.buffer);
        for (const { ref, time, valueHigh, valueLow, labels } of record.exemplars) {
          if (time < minTime || !keep(ref)) continue;
          words[0] = valueLow;
          words[1] = valueHigh;
          out.push(ref, time, pair[0]!, labels);
        }
        if (out.count > 0) writer.append(out.view());
        return;
      }
      case "metadata":
        for (const { ref, type, unit, help } of record.metadata) {
          if (keep(ref)) this.#metadata.set(ref, { type, unit, help });
        }
        return;
      default:
        return;
    }
  }

  /** Writes what is wanted only in its newest form. */
  finish(): void {
    const out = new MetadataRecord();
    for (const [ref, { type, unit, help }] of this.#metadata) out.push(ref, type, unit, help);
    if (out.count > 0) this.#writer.append(out.view());
    this.#writer.flush();
  }
}
