// The two ends of an index: its header and its table of contents.
//
// Header: BE32 0xBAAAD700, version byte. TOC, the last 52 bytes: six BE64 offsets, CRC-32C of these 48 bytes.
import { crc32c } from "@deucalion/kernels";
import { TsdbError } from "../errors.ts";

export const indexMagic = 0xbaaad700;
export const indexHeaderBytes = 5;
export const indexTocBytes = 52;

/** Offsets of the parts of an index. */
export interface IndexToc {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelIndicesTable: number;
  readonly postings: number;
  readonly postingsTable: number;
}

/** Checks the first five bytes and returns the version, 1 or 2 (3 reads like 2). Throws TSDB_INDEX_HEADER. */
export function readIndexHeader(data: Uint8Array): number {
  if (data.length < indexHeaderBytes) {
    throw new TsdbError("TSDB_INDEX_HEADER", "index header is cut off", { length: data.length });
  }
  const magic = new DataView(data.buffer, data.byteOffset).getUint32(0);
  if (magic !== indexMagic) {
    const text = magic.toString(16);
    throw new TsdbError("TSDB_INDEX_HEADER", `invalid magic number ${text}`, { magic });
  }
  const version = data[4]!;
  if (version < 1 || version > 3) {
    throw new TsdbError("TSDB_INDEX_HEADER", `unknown index file version ${version}`, { version });
  }
  return version === 1 ? 1 : 2;
}

/**
 * Reads the table of contents from the last 52 bytes of an index of `size` bytes. Checks the checksum and that the parts
 * lie in the file, in order. Throws TSDB_INDEX_TOC.
 */
export function readIndexToc(data: Uint8Array, size: number): IndexToc {
  if (data.length !== indexTocBytes) {
    throw new TsdbError("TSDB_INDEX_TOC", "index is too short for a table of contents", { size });
  }
  const view = new DataView(data.buffer, data.byteOffset, indexTocBytes);
  if (crc32c(data, 0, 48) !== view.getUint32(48)) {
    throw new TsdbError("TSDB_INDEX_TOC", "read TOC: invalid checksum", { size });
  }
  const at = (i: number): number => view.getUint32(8 * i) * 4294967296 + view.getUint32(8 * i + 4);
  const toc: IndexToc = {
    symbols: at(0),
    series: at(1),
    labelIndices: at(2),
    labelIndicesTable: at(3),
    postings: at(4),
    postingsTable: at(5),
  };
  const end = size - indexTocBytes;
  const inOrder =
    toc.symbols >= indexHeaderBytes &&
    toc.series >= toc.symbols &&
    toc.postings >= toc.series &&
    toc.postingsTable >= toc.postings &&
    toc.postingsTable <= end;
  if (!inOrder) {
    throw new TsdbError("TSDB_INDEX_TOC", "parts of the index are out of place", { size, ...toc });
  }
  return toc;
}

/** Where the series part ends: at the first part behind it. */
export function seriesEnd(toc: IndexToc): number {
  const label = toc.labelIndices > toc.series ? toc.labelIndices : toc.postings;
  return Math.min(label, toc.postings);
}

/** The 52 bytes of a table of contents. */
export function encodeIndexToc(toc: IndexToc): Uint8Array {
  const out = new Uint8Array(indexTocBytes);
  const view = new DataView(out.buffer);
  const parts = [
    toc.symbols,
    toc.series,
    toc.labelIndices,
    toc.labelIndicesTable,
    toc.postings,
    toc.postingsTable,
  ];
  for (const [i, offset] of parts.entries()) {
    view.setUint32(8 * i, Math.floor(offset / 4294967296));
    view.setUint32(8 * i + 4, offset % 4294967296);
  }
  view.setUint32(48, crc32c(out, 0, 48));
  return out;
}

/**
 * Checks the frame of a part: BE32 length, that many bytes, CRC-32C of them. Returns the range of the bytes.
 * Throws TSDB_INDEX_DATA or TSDB_INDEX_CHECKSUM.
 */
export function checkFrame(
  data: Uint8Array,
  offset: number,
  what: string,
): { start: number; end: number } {
  if (offset + 8 > data.length) {
    throw new TsdbError("TSDB_INDEX_DATA", `read ${what}: cut off`, { offset });
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const start = offset + 4;
  const end = start + view.getUint32(offset);
  if (end + 4 > data.length) {
    throw new TsdbError("TSDB_INDEX_DATA", `read ${what}: cut off`, { offset, end });
  }
  if (crc32c(data, start, end) !== view.getUint32(end)) {
    throw new TsdbError("TSDB_INDEX_CHECKSUM", `read ${what}: invalid checksum`, { offset });
  }
  return { start, end };
}
