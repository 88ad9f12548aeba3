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

function rowsOf({ columns, series }: SeriesPart, out: ChunkRows[]): void {
  const end = columns.first[series + 1]!;
  for (let i = columns.first[series]!; i < end; ) {
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
    out.push({ columns, from: i, end: next });
    i = next;
  }
}

function compareBytes(a: ChunkColumns, i: number, b: ChunkColumns, k: number): number {
  const x = a.buffers[a.buffer[i]!]!;
  const y = b.buffers[b.buffer[k]!]!;
  const count = Math.min(a.length[i]!, b.length[k]!);
  let at = a.offset[i]!;
  let to = b.offset[k]!;
  for (let n = 0; n < count; n++) {
    const difference = x[at++]! - y[to++]!;
    if (difference !== 0) return difference;
  }
  return a.length[i]! - b.length[k]!;
}

/** Order of chunks; 0 means that they are the same chunk. */
function compareChunks(a: ChunkRows, b: ChunkRows): number {
  const x = a.columns;
  const y = b.columns;
  const order = x.minTime[a.from]! - y.minTime[b.from]! || x.maxTime[a.from]! - y.maxTime[b.from]!;
  if (order !== 0) return order;
  for (let i = a.from, k = b.from; i < a.end && k < b.end; i++, k++) {
    const row =
      x.aggregate[i]! - y.aggregate[k]! ||
      x.encoding[i]! - y.encoding[k]! ||
      compareBytes(x, i, y, k);
    if (row !== 0) return row;
  }
  return a.end - a.from - (b.end - b.from);
}

/** True if the chunks of a series are in strict order of time, as they nearly always are. */
function inOrder({ columns, series }: SeriesPart): boolean {
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
  const only = parts[0]!;
  if (parts.length === 1 && inOrder(only)) {
    const { columns, series } = only;
    for (let i = columns.first[series]!; i < columns.first[series + 1]!; i++)
      out.addRow(columns, i);
    return;
  }
  const rows: ChunkRows[] = [];
  for (const part of parts) rowsOf(part, rows);
  rows.sort(compareChunks);
  let last: ChunkRows | null = null;
  for (const row of rows) {
    if (last !== null && compareChunks(last, row) === 0) continue;
    for (let i = row.from; i < row.end; i++) out.addRow(row.columns, i);
    last = row;
  }
}
