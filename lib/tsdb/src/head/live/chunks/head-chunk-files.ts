// Files of m-mapped head chunks: written as chunks close, read by queries and block cuts.
import {
  closeSync,
  type Dirent,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { TsdbError } from "../../../errors.ts";
import { syncFolder } from "../../../wal/log-writer.ts";

const fileBytesMax = 128 * 1024 * 1024;
const bufferBytes = 1 << 20;
const refScale = 4294967296;

/** Where the bytes of a chunk are. */
export interface ChunkPlace {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** Number of a file of head chunks, −1 for other names. */
export function headChunkFileNumber(name: string): number {
  return /^\d{6,}$/.test(name) ? Number(name) : -1;
}

interface OpenFile {
  readonly number: number;
  handle: Promise<FileHandle> | null;
  readers: number;
  removed: boolean;
}

/** One writer and any number of readers. A chunk is named by file number × 2^32 + offset. */
export class HeadChunkFiles {
  readonly #dir: string;
  readonly #files = new Map<number, OpenFile>();
  #number: number;
  #fd = -1;
  #written = 0;
  #buffer = new Uint8Array(bufferBytes + 65_536);
  #view = new DataView(this.#buffer.buffer);
  #filled = 0;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    let last = 0;
    for (const entry of readdirSync(dir, { withFileTypes: true }) as Dirent[]) {
      const number = headChunkFileNumber(entry.name);
      if (number < 0) continue;
      last = Math.max(last, number);
      this.#files.set(number, { number, handle: null, readers: 0, removed: false });
    }
    this.#number = last;
  }

  /** Number of the file that is being written. */
  get number(): number {
    return this.#number;
  }

  #path(number: number): string {
    return join(this.#dir, String(number).padStart(6, "0"));
  }

  /** Begins the next file; the one before is complete. Chunks in the buffer are written first. */
  cut(): void {
    if (this.#fd >= 0) {
      this.flush();
      closeSync(this.#fd);
      this.#fd = -1;
    }
    const number = this.#number + 1;
    this.#fd = openSync(this.#path(number), "ax");
    this.#number = number;
    this.#files.set(number, { number, handle: null, readers: 0, removed: false });
    this.#written = 0;
    this.#filled = 0;
    this.#view.setUint32(0, 0x0130bc91);
    this.#view.setUint32(4, 0x01000000);
    this.#filled = 8;
    syncFolder(this.#dir);
  }

  /** Appends a chunk, given as a range; returns its reference. The bytes are copied. */
  append(
    seriesRef: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    outOfOrder: boolean,
    data: Uint8Array,
  ): number {
    const need = 25 + 10 + data.length + 4;
    if (this.#fd < 0 || this.#written + this.#filled + need > fileBytesMax) this.cut();
    if (this.#filled >= bufferBytes) this.flush();
    if (this.#filled + need > this.#buffer.length) {
      const larger = new Uint8Array(2 * (this.#filled + need));
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    const view = this.#view;
    const start = this.#filled;
    put64(view, start, seriesRef);
    put64(view, start + 8, minTime);
    put64(view, start + 16, maxTime);
    const out = this.#buffer;
    out[start + 24] = encoding | (outOfOrder ? 0x80 : 0);
    let at = start + 25;
    let length = data.length;
    for (; length >= 128; length >>>= 7) out[at++] = (length & 127) | 128;
    out[at++] = length;
    out.set(data, at);
    at += data.length;
    view.setUint32(at, crc32c(out, start, at));
    this.#filled = at + 4;
    return this.#number * refScale + this.#written + start;
  }

  /** Hands what is in the buffer to the kernel. */
  flush(): void {
    let at = 0;
    try {
      while (at < this.#filled) at += writeSync(this.#fd, this.#buffer, at, this.#filled - at);
    } finally {
      this.#buffer.copyWithin(0, at, this.#filled);
      this.#filled -= at;
      this.#written += at;
    }
  }

  /**
   * Reads chunks by reference: neighbours in one read. The places come in the order of `refs`. Buffers are the
   * reader's own. Throws TSDB_HEAD_CHUNKS for a chunk that is not there or damaged.
   */
  async read(refs: ArrayLike<number>): Promise<ChunkPlace[]> {
    const order = Uint32Array.from({ length: refs.length }, (_, i) => i).sort(
      (a, b) => refs[a]! - refs[b]!,
    );
    const places = new Array<ChunkPlace>(refs.length);
    for (let i = 0; i < order.length; ) {
      const first = refs[order[i]!]!;
      const number = Math.floor(first / refScale);
      let j = i + 1;
      while (j < order.length) {
        const gap = refs[order[j]!]! - refs[order[j - 1]!]!;
        if (Math.floor(refs[order[j]!]! / refScale) !== number || gap > 16_384) break;
        if (refs[order[j]!]! - first > 1 << 20) break;
        j++;
      }
      const start = first % refScale;
      // How long the last one is, is known when it has been read.
      const end = (refs[order[j - 1]!]! % refScale) + 1536;
      let data = await this.#range(number, start, end);
      for (; i < j; i++) {
        const at = (refs[order[i]!]! % refScale) - start;
        let size = entrySize(data, at);
        if (size < 0 || at + size > data.length) {
          const wanted = size < 0 ? at + 65_536 : at + size;
          data = await this.#range(number, start, start + Math.max(wanted, end - start));
          size = entrySize(data, at);
        }
        places[order[i]!] = entryAt(data, at, size, refs[order[i]!]!);
      }
    }
    return places;
  }

  /** Bytes `[start, end)` of a file, fewer at its end: what is written from disk, the rest from the buffer. */
  async #range(number: number, start: number, end: number): Promise<Uint8Array> {
    const current = number === this.#number && this.#fd >= 0;
    const written = current ? this.#written : Number.POSITIVE_INFINITY;
    if (start >= written) {
      return this.#buffer.slice(start - written, Math.min(end - written, this.#filled));
    }
    const tail =
      end > written ? this.#buffer.slice(0, Math.min(end - written, this.#filled)) : null;
    const file = this.#files.get(number);
    if (file === undefined) {
      throw new TsdbError("TSDB_HEAD_CHUNKS", "head chunk file is gone", { file: number });
    }
    const data = new Uint8Array(end - start);
    const head = Math.min(end, written) - start;
    file.readers++;
    let filled = 0;
    try {
      file.handle ??= open(this.#path(number), "r");
      const handle = await file.handle;
      while (filled < head) {
        const { bytesRead } = await handle.read(data, filled, head - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } finally {
      file.readers--;
      if (file.removed && file.readers === 0) await this.#closeFile(file);
    }
    if (tail !== null) {
      data.set(tail, filled);
      filled += tail.length;
    }
    return data.subarray(0, filled);
  }

  /** Reads one chunk in this turn. Throws TSDB_HEAD_CHUNKS for one that is not there or damaged. */
  readNow(ref: number): ChunkPlace {
    const number = Math.floor(ref / refScale);
    const start = ref % refScale;
    if (number === this.#number && this.#fd >= 0 && start >= this.#written) {
      const at = start - this.#written;
      const size = entrySize(this.#buffer, at);
      const data = this.#buffer.slice(at, at + Math.max(size, 0));
      return entryAt(data, 0, size, ref);
    }
    try {
      const fd = openSync(this.#path(number), "r");
      try {
        let data = readAt(fd, start, 1536);
        const size = entrySize(data, 0);
        if (size > data.length) data = readAt(fd, start, size);
        return entryAt(data, 0, size, ref);
      } finally {
        closeSync(fd);
      }
    } catch (thrown) {
      if (thrown instanceof TsdbError) throw thrown;
      const text = `head chunk cannot be read: ${messageOf(thrown)}`;
      throw new TsdbError("TSDB_HEAD_CHUNKS", text, { ref }, { cause: thrown });
    }
  }

  async #closeFile(file: OpenFile): Promise<void> {
    const handle = file.handle;
    file.handle = null;
    await (await handle)?.close();
  }

  /** Removes files all of whose chunks are out of use. Reads that are under way end well. */
  removeUnused(isUsed: (number: number) => boolean): void {
    for (const file of this.#files.values()) {
      if (file.number === this.#number || isUsed(file.number)) continue;
      this.#files.delete(file.number);
      file.removed = true;
      unlinkSync(this.#path(file.number));
      if (file.readers === 0) void this.#closeFile(file);
    }
  }

  /** Bytes on disk and in the buffer. */
  get bytes(): number {
    let sum = this.#filled;
    for (const number of this.#files.keys()) {
      try {
        const fd = openSync(this.#path(number), "r");
        sum += fstatSync(fd).size;
        closeSync(fd);
      } catch {
        // Gone in between.
      }
    }
    return sum;
  }

  async close(): Promise<void> {
    if (this.#fd >= 0) {
      this.flush();
      closeSync(this.#fd);
      this.#fd = -1;
    }
    for (const file of this.#files.values()) await this.#closeFile(file);
  }
}

/** Up to `length` bytes from `start`, fewer at the end of the file. */
function readAt(fd: number, start: number, length: number): Uint8Array {
  const data = new Uint8Array(length);
  return data.subarray(0, readSync(fd, data, 0, length, start));
}

function put64(view: DataView, at: number, value: number): void {
  const upper = Math.floor(value / refScale);
  view.setInt32(at, upper);
  view.setUint32(at + 4, value - upper * refScale);
}

/** Bytes of the entry at `at`, −1 if its length cannot be seen. */
function entrySize(data: Uint8Array, at: number): number {
  let length = 0;
  let scale = 1;
  for (let i = at + 25; i < data.length && i < at + 30; i++) {
    length += (data[i]! & 127) * scale;
    if (data[i]! < 128) return i + 1 - at + length + 4;
    scale *= 128;
  }
  return -1;
}

function entryAt(data: Uint8Array, at: number, size: number, ref: number): ChunkPlace {
  const end = at + size;
  if (size < 0 || end > data.length) {
    throw new TsdbError("TSDB_HEAD_CHUNKS", "head chunk is cut off", { ref });
  }
  const want =
    ((data[end - 4]! << 24) | (data[end - 3]! << 16) | (data[end - 2]! << 8) | data[end - 1]!) >>>
    0;
  if (crc32c(data, at, end - 4) !== want) {
    throw new TsdbError("TSDB_HEAD_CHUNKS", "checksum mismatch", { ref });
  }
  let offset = at + 25;
  while (data[offset++]! >= 128);
  return { data, offset, length: end - 4 - offset };
}
