// Makes an index-header from an index in a bucket, by reading only the parts that it copies.
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32c } from "@deucalion/kernels";
import type { Bucket } from "@deucalion/objstore";
import {
  encodeHeaderStart,
  encodeHeaderToc,
  headerStartBytes,
  indexError,
  indexStartBytes,
  indexTocBytes,
  parseIndexStart,
  parseIndexToc,
} from "./layout.ts";

/** Of a small index the end that holds its tables is often the whole of it: one read instead of three. */
const tailBytes = 64 << 10;
/** Tables are copied in pieces of this size, so that a large one is never held at once. */
const pieceBytes = 4 << 20;

/**
 * Writes the index-header of block `id` to `path`: to a temporary name, synced, then renamed. Verifies the checksums
 * of what it copies. Throws BLOCKS_INDEX if the index is damaged, or the bucket's error.
 */
export async function writeIndexHeader(
  bucket: Bucket,
  id: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const index = new IndexObject(bucket, `${id}/index`, signal);
  await index.open();
  const end = await index.read(index.size - indexTocBytes, indexTocBytes);
  const start = await index.read(0, indexStartBytes);
  const version = parseIndexStart(start);
  const toc = parseIndexToc(end, index.size);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(encodeHeaderStart(version, toc.postingsTable));
      await copyTable(index, file, toc.symbols, toc.series, "symbols");
      await copyTable(index, file, toc.postingsTable, index.size, "postings offset table");
      const postingsAt = headerStartBytes + toc.series - toc.symbols;
      await file.writeFile(encodeHeaderToc(headerStartBytes, postingsAt));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Reads of one index object; the end of it is read once and kept. */
class IndexObject {
  readonly #bucket: Bucket;
  readonly #name: string;
  readonly #signal: AbortSignal;
  size = 0;
  #tail: Uint8Array = new Uint8Array(0);

  constructor(bucket: Bucket, name: string, signal: AbortSignal) {
    this.#bucket = bucket;
    this.#name = name;
    this.#signal = signal;
  }

  async open(): Promise<void> {
    this.size = (await this.#bucket.attributes(this.#name, this.#signal)).size;
    if (this.size < indexStartBytes + indexTocBytes)
      throw indexError("index is too short", { size: this.size });
    const from = Math.max(0, this.size - tailBytes);
    this.#tail = await this.#bucket.getRange(this.#name, from, this.size - from, this.#signal);
    if (this.#tail.length !== this.size - from)
      throw indexError("index became shorter while it was read");
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const tailAt = this.size - this.#tail.length;
    if (offset >= tailAt) return this.#tail.subarray(offset - tailAt, offset - tailAt + length);
    const data = await this.#bucket.getRange(this.#name, offset, length, this.#signal);
    if (data.length !== length) throw indexError("index ends too early", { offset, length });
    return data;
  }
}

/** Copies [from, to), which begins with a table of BE32 length, content, CRC-32C; verifies the checksum on the way. */
async function copyTable(
  index: IndexObject,
  file: FileHandle,
  from: number,
  to: number,
  what: string,
): Promise<void> {
  let crc = 0;
  /** Where the content ends and its checksum begins. */
  let contentEnd = -1;
  let stored = 0;
  let storedBytes = 0;
  for (let at = from; at < to; ) {
    const piece = await index.read(at, Math.min(pieceBytes, to - at));
    if (contentEnd < 0) {
      if (piece.length < 8) throw indexError(`read ${what}: too short`);
      const length = new DataView(piece.buffer, piece.byteOffset).getUint32(0);
      contentEnd = from + 4 + length;
      if (contentEnd + 4 > to) throw indexError(`read ${what}: length does not fit`, { length });
    }
    const contentFrom = at === from ? 4 : 0;
    crc = crc32c(piece, contentFrom, Math.min(piece.length, Math.max(0, contentEnd - at)), crc);
    for (let i = contentEnd + storedBytes - at; i < piece.length && storedBytes < 4; i++) {
      stored = ((stored << 8) | piece[i]!) >>> 0;
      storedBytes++;
    }
    await file.writeFile(piece);
    at += piece.length;
  }
  if (storedBytes < 4 || stored !== crc) throw indexError(`read ${what}: invalid checksum`);
}
