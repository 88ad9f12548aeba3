// Tombstones: time ranges of series that have been deleted but are still in the chunks.
//
// File: BE32 0x0130BA30, version 1, records (uvarint series ref, varint mint, varint maxt), CRC-32C of the records.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ByteReader, ByteWriter, messageOf } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import type { SampleColumns } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { writeFileDurably } from "./durable-files.ts";

/** Deleted time, milliseconds, both ends included. */
export interface Interval {
  readonly minTime: number;
  readonly maxTime: number;
}

/** Deleted intervals by series reference; each list is ascending and its intervals neither overlap nor touch. */
export type Tombstones = ReadonlyMap<number, readonly Interval[]>;

const magic = 0x0130ba30;
const fileName = "tombstones";

/** Adds an interval to an ascending list and joins what overlaps or touches. */
export function addInterval(list: readonly Interval[], added: Interval): Interval[] {
  const out: Interval[] = [];
  let { minTime, maxTime } = added;
  let placed = false;
  for (const interval of list) {
    if (interval.maxTime < minTime - 1) {
      out.push(interval);
    } else if (interval.minTime > maxTime + 1) {
      if (!placed) out.push({ minTime, maxTime });
      placed = true;
      out.push(interval);
    } else {
      minTime = Math.min(minTime, interval.minTime);
      maxTime = Math.max(maxTime, interval.maxTime);
    }
  }
  if (!placed) out.push({ minTime, maxTime });
  return out;
}

/** Reads records until the end of `from`. Throws TSDB_TOMBSTONES. */
export function readTombstoneRecords(from: ByteReader): Tombstones {
  const found = new Map<number, Interval[]>();
  try {
    while (from.left > 0) {
      const ref = from.uvarint();
      const minTime = from.varint();
      const maxTime = from.varint();
      const list = found.get(ref);
      const last = list?.at(-1);
      if (list === undefined) found.set(ref, [{ minTime, maxTime }]);
      else if (last !== undefined && last.maxTime < minTime - 1) list.push({ minTime, maxTime });
      else found.set(ref, addInterval(list, { minTime, maxTime }));
    }
  } catch (thrown) {
    throw new TsdbError("TSDB_TOMBSTONES", messageOf(thrown), { at: from.at }, { cause: thrown });
  }
  return found;
}

/** Decodes a tombstones file. Throws TSDB_TOMBSTONES. */
export function decodeTombstones(data: Uint8Array): Tombstones {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (data.length < 9) throw new TsdbError("TSDB_TOMBSTONES", "tombstones file is too short");
  if (view.getUint32(0) !== magic || data[4] !== 1) {
    throw new TsdbError("TSDB_TOMBSTONES", "magic number or version of tombstones is wrong");
  }
  const end = data.length - 4;
  if (crc32c(data, 5, end) !== view.getUint32(end)) {
    throw new TsdbError("TSDB_TOMBSTONES", "checksum of tombstones does not match");
  }
  return readTombstoneRecords(new ByteReader(data, 5, end));
}

/** Encodes a tombstones file. */
export function encodeTombstones(tombstones: Tombstones): Uint8Array {
  const out = new ByteWriter(64);
  out.u32(magic);
  out.u8(1);
  for (const [ref, intervals] of tombstones) {
    for (const { minTime, maxTime } of intervals) {
      out.uvarint(ref);
      out.varint(minTime);
      out.varint(maxTime);
    }
  }
  out.u32(crc32c(out.data, 5, out.length));
  return out.finish();
}

/** The tombstones of a block folder; none where there is no file. */
export async function readTombstones(dir: string): Promise<Tombstones> {
  let data: Uint8Array;
  try {
    data = await readFile(join(dir, fileName));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw thrown;
  }
  return decodeTombstones(data);
}

export function writeTombstones(dir: string, tombstones: Tombstones): Promise<void> {
  return writeFileDurably(join(dir, fileName), encodeTombstones(tombstones));
}

/** True if one of the intervals holds all of [minTime, maxTime]. */
export function coversRange(
  intervals: readonly Interval[],
  minTime: number,
  maxTime: number,
): boolean {
  return intervals.some((i) => i.minTime <= minTime && maxTime <= i.maxTime);
}

/** True if any of the intervals meets [minTime, maxTime]. */
export function meetsRange(
  intervals: readonly Interval[],
  minTime: number,
  maxTime: number,
): boolean {
  return intervals.some((i) => i.minTime <= maxTime && minTime <= i.maxTime);
}

/** Removes the deleted samples from index `from` on, in place. Samples are in order of time. */
export function removeDeleted(
  samples: SampleColumns,
  from: number,
  intervals: readonly Interval[],
): void {
  const { times, valueBits, histograms, startTimes } = samples;
  let to = from;
  let next = 0;
  for (let i = from; i < samples.count; i++) {
    const time = times[i]!;
    while (next < intervals.length && intervals[next]!.maxTime < time) next++;
    if (next < intervals.length && intervals[next]!.minTime <= time) continue;
    times[to] = time;
    valueBits[2 * to] = valueBits[2 * i]!;
    valueBits[2 * to + 1] = valueBits[2 * i + 1]!;
    if (histograms !== null) histograms[to] = histograms[i];
    if (startTimes !== null) startTimes[to] = startTimes[i]!;
    to++;
  }
  samples.count = to;
}
