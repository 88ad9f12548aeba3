// Takes what has become blocks out of a head and its logs.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { listSegments } from "../../wal/log-directory.ts";
import { segmentName } from "../../wal/log-writer.ts";
import type { LiveHead } from "./live-head.ts";
import { writeCheckpoint } from "./log/checkpoint.ts";
import { ChunkKind } from "./series/series-table.ts";

/** Drops in-order samples before `minTime` from memory and files, and series that have nothing left. */
export function truncateMemory(head: LiveHead, minTime: number): void {
  const { table, chunks } = head;
  head.minValidTime = Math.max(head.minValidTime, minTime);
  const gone = new Set<number>();
  // What is left may begin much later: empty ranges in between are not worth a cut each.
  let oldest = Number.POSITIVE_INFINITY;
  for (const series of table.all()) {
    while (table.firstChunk[series]! >= 0) {
      const row = table.firstChunk[series]!;
      if (chunks.maxTime[row]! >= minTime) break;
      table.firstChunk[series] = chunks.next[row]!;
      if (table.firstChunk[series]! < 0) table.lastChunk[series] = -1;
      chunks.remove(row);
    }
    if (table.kind[series] !== ChunkKind.none && table.lastTime[series]! < minTime) {
      head.dropOpen(series);
    }
    const empty = table.kind[series] === ChunkKind.none && table.firstChunk[series]! < 0;
    if (empty && !head.late.series.has(series)) gone.add(series);
    if (table.firstChunk[series]! >= 0) {
      oldest = Math.min(oldest, chunks.minTime[table.firstChunk[series]!]!);
    } else if (table.kind[series] !== ChunkKind.none) {
      oldest = Math.min(oldest, table.openTime[series]!);
    }
  }
  head.removeSeries(gone, head.log.wal.segment);
  head.minTime = Math.max(minTime, oldest);
  removeUnusedFiles(head);
}

/** Removes files of head chunks that nobody needs; none while somebody reads. */
export function removeUnusedFiles(head: LiveHead): void {
  if (head.readers > 0) return;
  const { table, chunks } = head;
  const used = new Set<number>();
  const use = (first: number): void => {
    for (let row = first; row >= 0; row = chunks.next[row]!) {
      used.add(Math.floor(chunks.ref[row]! / 4294967296));
    }
  };
  for (const series of table.all()) use(table.firstChunk[series]!);
  for (const { first } of head.late.series.values()) use(first);
  head.files.removeUnused((number) => used.has(number));
}

/** Replaces the older two thirds of the log by a checkpoint. */
export async function truncateLog(head: LiveHead, minTime: number): Promise<void> {
  const dir = join(head.dir, "wal");
  const first = (await listSegments(dir))[0]?.number;
  if (first === undefined) return;
  head.commit();
  head.log.wal.cut();
  const last = head.log.wal.segment - 1;
  const upTo = first + Math.floor(((last - first) * 2) / 3);
  if (upTo <= first) return;
  const alive = new Set<number>();
  for (const series of head.table.all()) alive.add(head.table.ref[series]!);
  await writeCheckpoint(dir, upTo, {
    minTime,
    keep: (ref) => alive.has(ref) || (head.expiries.get(ref) ?? -1) > upTo,
    compress: head.options.walCompression,
    segmentBytes: head.options.segmentBytes,
    report: head.deps.report,
  });
  for (const [ref, segment] of head.expiries) if (segment <= upTo) head.expiries.delete(ref);
}

/** Where the out-of-order samples were when a cut of them began. */
export interface OutOfOrderMark {
  /** Last row of each series at that time. */
  readonly lastRows: ReadonlyMap<number, number>;
  readonly wblSegment: number;
}

/** Closes all open out-of-order chunks and begins a new segment of their log. */
export function markOutOfOrder(head: LiveHead): OutOfOrderMark {
  head.commit();
  const lastRows = new Map<number, number>();
  for (const [series, state] of head.late.series) {
    if (state.open !== null) head.late.close(series, state);
    lastRows.set(series, state.last);
  }
  head.files.flush();
  const wblSegment = head.log.wbl === null ? -1 : head.log.wbl.cut();
  return { lastRows, wblSegment };
}

/** Drops what was marked, after it has become blocks. */
export async function dropOutOfOrder(head: LiveHead, mark: OutOfOrderMark): Promise<void> {
  const { chunks } = head;
  for (const [series, last] of mark.lastRows) {
    const state = head.late.series.get(series);
    if (state === undefined || last < 0) continue;
    let row = state.first;
    for (let done = false; row >= 0 && !done; ) {
      done = row === last;
      const next = chunks.next[row]!;
      chunks.remove(row);
      row = next;
    }
    state.first = row;
    if (row < 0) state.last = -1;
    if (row < 0 && state.open === null) head.late.series.delete(series);
  }
  if (head.late.series.size === 0) {
    head.late.resetTimes();
  }
  const dir = join(head.dir, "wbl");
  for (const { number } of await listSegments(dir)) {
    if (number <= mark.wblSegment) await rm(join(dir, segmentName(number)), { force: true });
  }
  removeUnusedFiles(head);
}
