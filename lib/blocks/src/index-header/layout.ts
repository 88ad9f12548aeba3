// Layouts of the index-header file and of the tables of an index that it copies. See docs/format/index-header.md.
import { ByteReader, ByteWriter } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { BlocksError } from "../errors.ts";

export const headerMagic = 0xbaaad792;
export const headerVersion = 1;
/** Magic, version, index version, and where the index's postings offset table begins. */
export const headerStartBytes = 14;
export const headerTocBytes = 20;

export const indexMagic = 0xbaaad700;
export const indexStartBytes = 5;
export const indexTocBytes = 52;

/** Positions in an index file. */
export interface IndexToc {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelOffsetTable: number;
  readonly postings: number;
  readonly postingsTable: number;
}

/** An error about an index; `message` says what, `data` where. */
export function indexError(message: string, data: Record<string, unknown> = {}): BlocksError {
  return new BlocksError("BLOCKS_INDEX", message, data);
}

/** Reads the version of an index from its first five bytes. Throws BLOCKS_INDEX. */
export function parseIndexStart(start: Uint8Array): number {
  if (start.length < indexStartBytes) throw indexError("index is too short");
  const from = new ByteReader(start);
  const magic = from.u32();
  if (magic !== indexMagic) throw indexError(`invalid magic number ${magic.toString(16)}`);
  const version = from.u8();
  if (version < 1 || version > 3) throw indexError(`unknown index file version ${version}`);
  return version;
}

/** Reads the table of contents from the last 52 bytes of an index of `size` bytes. Throws BLOCKS_INDEX. */
export function parseIndexToc(bytes: Uint8Array, size: number): IndexToc {
  if (bytes.length < indexTocBytes) throw indexError("index is too short");
  const from = new ByteReader(bytes);
  from.skip(48);
  if (from.u32() !== crc32c(bytes, 0, 48)) throw indexError("read TOC: invalid checksum");
  const toc = new ByteReader(bytes);
  const parsed = {
    symbols: toc.u64(),
    series: toc.u64(),
    labelIndices: toc.u64(),
    labelOffsetTable: toc.u64(),
    postings: toc.u64(),
    postingsTable: toc.u64(),
  };
  const { symbols, series, postingsTable } = parsed;
  const fits =
    symbols >= indexStartBytes &&
    series >= symbols &&
    postingsTable >= series &&
    postingsTable <= size - indexTocBytes;
  if (!fits) throw indexError("read TOC: offsets do not fit the file", { ...parsed, size });
  return parsed;
}

/** The first bytes of an index-header. */
export function encodeHeaderStart(indexVersion: number, postingsTable: number): Uint8Array {
  const out = new ByteWriter(headerStartBytes);
  out.u32(headerMagic);
  out.u8(headerVersion);
  out.u8(indexVersion);
  out.u64(postingsTable);
  return out.finish();
}

/** The last bytes of an index-header: where its two tables begin. */
export function encodeHeaderToc(symbolsAt: number, postingsTableAt: number): Uint8Array {
  const out = new ByteWriter(headerTocBytes);
  out.u64(symbolsAt);
  out.u64(postingsTableAt);
  out.u32(crc32c(out.data, 0, 16));
  return out.finish();
}

/** What the fixed parts of an index-header say. */
export interface HeaderToc {
  readonly indexVersion: number;
  /** Where the index's postings offset table begins: no postings list ends later. */
  readonly indexPostingsTable: number;
  readonly symbolsAt: number;
  readonly postingsTableAt: number;
}

/** How much of the end of an index-header `parseHeader` reads: the index's table of contents and its own. */
export const headerEndBytes = indexTocBytes + headerTocBytes;

/** Reads the first 14 and the last 72 bytes of an index-header. Throws BLOCKS_INDEX. */
export function parseHeader(start: Uint8Array, end: Uint8Array, size: number): HeaderToc {
  if (start.length < headerStartBytes || end.length < headerEndBytes)
    throw indexError("index-header is too short");
  const toc = parseIndexToc(end.subarray(0, indexTocBytes), Number.MAX_SAFE_INTEGER);
  const head = new ByteReader(start);
  const magic = head.u32();
  if (magic !== headerMagic)
    throw indexError(`invalid magic number of index-header ${magic.toString(16)}`);
  const version = head.u8();
  if (version !== headerVersion) throw indexError(`unknown index-header version ${version}`);
  const indexVersion = head.u8();
  const indexPostingsTable = head.u64();
  if (indexPostingsTable !== toc.postingsTable)
    throw indexError("index-header does not agree with its index");
  const tail = new ByteReader(end, indexTocBytes);
  const symbolsAt = tail.u64();
  const postingsTableAt = tail.u64();
  if (tail.u32() !== crc32c(end, indexTocBytes, indexTocBytes + 16))
    throw indexError("index-header TOC: invalid checksum");
  const fits =
    symbolsAt >= headerStartBytes &&
    postingsTableAt >= symbolsAt &&
    postingsTableAt <= size - headerTocBytes;
  if (!fits) throw indexError("index-header TOC: offsets do not fit the file");
  return { indexVersion, indexPostingsTable, symbolsAt, postingsTableAt };
}
