// Chunks of one series from several stores: in order of time, each only once.
import { Aggregate, type ChunkColumns } from "@deucalion/model";
import type { ColumnsBuilder } from "./columns-builder.ts";

/** A chunk: rows `[from, end)` of `columns` (several for a downsampled one). */
interface ChunkRows {
  readonly columns: ChunkColumns;
  readonly from: number;
  readonly end: number;
}

/** One series of one batch. */
export interface SeriesPart {
  readonly columns: ChunkColumns;
  readonly series: number;
}

/** Where the chunk that begins with row `i` ends. */
function chunkEnd(columns: ChunkColumns, i: number, end: number): number {
  let next = i + 1;
  while (
    next < end &&
    columns.aggregate[next - 1] !== Aggregate.raw &&
    columns.aggregate[next]! > columns.aggregate[next - 1]! &&
    columns.minTime[next] === columns.minTime[i] &&
    columns.maxTime[next] === columns.maxTime[i]
  ) {
    next++;
  }
  return next;
}

function rowsOf({ columns, series }: SeriesPart, out: ChunkRows[]): void {
  const stop = columns.first[series + 1]!;
  for (let from = columns.first[series]!; from < stop; ) {
    const end = chunkEnd(columns, from, stop);
    out.push({ columns, from, end });
    from = end;
  }
}

const { compare } = Buffer.prototype;

function compareBytes(a: ChunkColumns, i: number, b: ChunkColumns, k: number): number {
  const x = a.buffers[a.buffer[i]!]!;
  const y = b.buffers[b.buffer[k]!]!;
  const from = a.offset[i]!;
  const to = b.offset[k]!;
  return compare.call(x as Buffer, y, to, to + b.length[k]!, from, from + a.length[i]!);
}

/** Compares the data of two chunks of the same times. */
function compareRows(
  a: ChunkColumns,
  from: number,
  end: number,
  b: ChunkColumns,
  to: number,
  stop: number,
): number {
  for (let i = from, k = to; i < end && k < stop; i++, k++) {
    const row =
      a.aggregate[i]! - b.aggregate[k]! ||
      a.encoding[i]! - b.encoding[k]! ||
      compareBytes(a, i, b, k);
    if (row !== 0) return row;
  }
  return end - from - (stop - to);
}

/** Order of chunks; 0 means that they are the same chunk. */
function compareChunks(a: ChunkRows, b: ChunkRows): number {
  const x = a.columns;
  const y = b.columns;
  return (
    x.minTime[a.from]! - y.minTime[b.from]! ||
    x.maxTime[a.from]! - y.maxTime[b.from]! ||
    compareRows(x, a.from, a.end, y, b.from, b.end)
  );
}

/** True if the chunks of a series are in strict order of time, as they nearly always are. */
export function chunksInOrder(columns: ChunkColumns, series: number): boolean {
  const end = columns.first[series + 1]!;
  for (let i = columns.first[series]! + 1; i < end; i++) {
    if (columns.minTime[i]! > columns.minTime[i - 1]!) continue;
    if (
      columns.minTime[i] !== columns.minTime[i - 1] ||
      columns.maxTime[i] !== columns.maxTime[i - 1]
    ) {
      return false;
    }
    if (columns.aggregate[i]! <= columns.aggregate[i - 1]!) return false;
  }
  return true;
}

/** Appends the chunks of all parts to the builder's last series. */
export function joinChunks(parts: readonly SeriesPart[], out: ColumnsBuilder): void {
  if (!parts.every(({ columns, series }) => chunksInOrder(columns, series))) {
    joinUnordered(parts, out);
    return;
  }
  if (parts.length === 1) {
    const { columns, series } = parts[0]!;
    out.addRows(columns, columns.first[series]!, columns.first[series + 1]!);
    return;
  }
  const at = parts.map(({ columns, series }) => columns.first[series]!);
  const ends = parts.map(({ columns, series }) => columns.first[series + 1]!);
  for (;;) {
    let least = -1;
    let leastEnd = 0;
    for (let p = 0; p < parts.length; p++) {
      if (at[p]! >= ends[p]!) continue;
      const { columns } = parts[p]!;
      if (least < 0) {
        least = p;
        leastEnd = chunkEnd(columns, at[p]!, ends[p]!);
        continue;
      }
      const best = parts[least]!.columns;
      const times =
        columns.minTime[at[p]!]! - best.minTime[at[least]!]! ||
        columns.maxTime[at[p]!]! - best.maxTime[at[least]!]!;
      if (times > 0) continue;
      const end = chunkEnd(columns, at[p]!, ends[p]!);
      const order = times || compareRows(columns, at[p]!, end, best, at[least]!, leastEnd);
      if (order === 0) at[p] = end;
      else if (order < 0) {
        least = p;
        leastEnd = end;
      }
    }
    if (least < 0) return;
    out.addRows(parts[least]!.columns, at[least]!, leastEnd);
    at[least] = leastEnd;
  }
}

/** The way for chunks that are not sorted within their part. */
function joinUnordered(parts: readonly SeriesPart[], out: ColumnsBuilder): void {
  const rows: ChunkRows[] = [];
  for (const part of parts) rowsOf(part, rows);
  rows.sort(compareChunks);
  let last: ChunkRows | null = null;
  for (const row of rows) {
    if (last !== null && compareChunks(last, row) === 0) continue;
    out.addRows(row.columns, row.from, row.end);
    last = row;
  }
}
