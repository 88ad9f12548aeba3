// The literals section of a zstd block: plain, one byte repeated, or Huffman coded in one or four streams.
import { malformedZstd } from "./fse-table.ts";
import { decodeHuffman, type HuffmanTable, readHuffmanTable } from "./huffman-table.ts";

export const blockBytesMax = 128 * 1024;

/** What the literals of a block are, and the table that a later block may use again. */
export interface Literals {
  readonly bytes: Uint8Array;
  /** Where the section ends. */
  readonly end: number;
  readonly table: HuffmanTable | null;
}

/** Reads the section at `from`; `before` is the Huffman table of an earlier block. */
export function readLiterals(
  data: Uint8Array,
  from: number,
  end: number,
  before: HuffmanTable | null,
): Literals {
  if (from + 5 > end && from >= end) malformedZstd("literals are cut off");
  const first = data[from]!;
  const type = first & 3;
  const format = (first >> 2) & 3;
  const byte = (i: number): number =>
    from + i < end ? data[from + i]! : malformedZstd("literals are cut off");
  if (type < 2) {
    const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1;
    let size = first >> (headerBytes === 1 ? 3 : 4);
    if (headerBytes > 1) size += byte(1) << 4;
    if (headerBytes > 2) size += byte(2) << 12;
    const at = from + headerBytes;
    const stop = at + (type === 0 ? size : 1);
    if (size > blockBytesMax || stop > end) malformedZstd("literals are cut off");
    const bytes = type === 0 ? data.subarray(at, stop) : new Uint8Array(size).fill(data[at]!);
    return { bytes, end: stop, table: before };
  }
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18;
  const headerBytes = format < 2 ? 3 : format === 2 ? 4 : 5;
  let header = 0;
  for (let i = headerBytes - 1; i >= 0; i--) header = header * 256 + byte(i);
  header = Math.floor(header / 16);
  const size = header % 2 ** sizeBits;
  const compressed = Math.floor(header / 2 ** sizeBits);
  let at = from + headerBytes;
  const stop = at + compressed;
  if (size > blockBytesMax || stop > end) malformedZstd("literals are cut off");
  let table = before;
  if (type === 2) {
    const read = readHuffmanTable(data, at, stop);
    table = read.table;
    at = read.end;
  }
  if (table === null) malformedZstd("no Huffman table to use again");
  const bytes = new Uint8Array(size);
  if (format === 0) decodeHuffman(table, data, at, stop, bytes, 0, size);
  else decodeFourStreams(table, data, at, stop, bytes);
  return { bytes, end: stop, table };
}

function decodeFourStreams(
  table: HuffmanTable,
  data: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
): void {
  if (from + 6 > end) malformedZstd("literals are cut off");
  const part = (out.length + 3) >> 2;
  if (3 * part > out.length) malformedZstd("too few literals for four streams");
  let at = from + 6;
  for (let i = 0; i < 4; i++) {
    const stop = i === 3 ? end : at + (data[from + 2 * i]! | (data[from + 2 * i + 1]! << 8));
    if (stop > end) malformedZstd("literals are cut off");
    decodeHuffman(table, data, at, stop, out, i * part, i === 3 ? out.length : (i + 1) * part);
    at = stop;
  }
}
