// What a part of a split merge says about its series, until the one index of the whole block is written.
//
// For each series: u32 labels, u32 chunks, u32 for the number of each name and value, f64 for the first time, the last
// time and the reference of each chunk (times of all, then references). In the order of the machine: the file never leaves it.
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { AppendFile, ChunkPlaces } from "@deucalion/tsdb";
import { BlocksError } from "../../errors.ts";

/** Where the series of a block are written down. */
export interface SeriesSink {
  /** Appends a series: the first `count` pairs of `labels`. A promise only where it must wait for room. */
  add(labels: Uint32Array, count: number, chunks: ChunkPlaces): undefined | Promise<void>;
  /** Writes what is left; `durable` syncs. */
  finish(durable: boolean): Promise<unknown>;
  /** Closes without finishing. */
  abandon(): Promise<void>;
}

/** A finished part index. */
export interface WrittenPartIndex {
  readonly bytes: number;
  /** CRC-32 of the whole file. */
  readonly checksum: number;
}

const headBytes = 8;

/** Writes a part's series to a file. */
export class PartIndexWriter implements SeriesSink {
  readonly #file: AppendFile;
  #data = new Uint8Array(1 << 12);
  #words = new Uint32Array(this.#data.buffer);

  private constructor(file: AppendFile) {
    this.#file = file;
  }

  static async create(path: string): Promise<PartIndexWriter> {
    return new PartIndexWriter(await AppendFile.create(path));
  }

  add(labels: Uint32Array, count: number, chunks: ChunkPlaces): undefined | Promise<void> {
    const bytes = headBytes + 8 * count + 24 * chunks.count;
    if (bytes > this.#data.length) {
      this.#data = new Uint8Array(2 ** Math.ceil(Math.log2(bytes)));
      this.#words = new Uint32Array(this.#data.buffer);
    }
    this.#words[0] = count;
    this.#words[1] = chunks.count;
    for (let i = 0; i < 2 * count; i++) this.#words[2 + i] = labels[i]!;
    let at = headBytes + 8 * count;
    for (const column of [chunks.minTimes, chunks.maxTimes, chunks.refs]) {
      this.#data.set(new Uint8Array(column.buffer, 0, 8 * chunks.count), at);
      at += 8 * chunks.count;
    }
    return this.#file.append(this.#data.subarray(0, bytes));
  }

  async finish(): Promise<WrittenPartIndex> {
    await this.#file.finish(false);
    return { bytes: this.#file.size, checksum: this.#file.checksum };
  }

  abandon(): Promise<void> {
    return this.#file.abandon();
  }
}

const pieceBytes = 1 << 18;

/** Reads a part index back, one series at a time. Throws BLOCKS_RESULT unless it is what was written. */
export class PartIndexReader {
  readonly #file: FileHandle;
  readonly #written: WrittenPartIndex;
  #data = new Uint8Array(pieceBytes);
  #from = 0;
  #to = 0;
  #read = 0;
  #checksum = 0;
  labels = new Uint32Array(64);
  labelCount = 0;
  /** Chunks of the present series; references are those of the part. */
  readonly chunks = new ChunkPlaces();

  private constructor(file: FileHandle, written: WrittenPartIndex) {
    this.#file = file;
    this.#written = written;
  }

  static async open(path: string, written: WrittenPartIndex): Promise<PartIndexReader> {
    return new PartIndexReader(await open(path, "r"), written);
  }

  /** Moves to the next series; false at the end, where the checksum of everything was right. */
  next(): boolean | Promise<boolean> {
    return this.#take() || this.#nextSlowly();
  }

  async #nextSlowly(): Promise<boolean> {
    for (;;) {
      await this.#fill();
      if (this.#take()) return true;
      if (this.#read < this.#written.bytes) continue;
      if (this.#from === this.#to && this.#checksum === this.#written.checksum) return false;
      throw this.#differs();
    }
  }

  /** Takes the next series if all of it is there. */
  #take(): boolean {
    const left = this.#to - this.#from;
    if (left < headBytes) return false;
    const view = new DataView(this.#data.buffer, this.#from, left);
    const labelCount = view.getUint32(0, littleEndian);
    const chunkCount = view.getUint32(4, littleEndian);
    const bytes = headBytes + 8 * labelCount + 24 * chunkCount;
    if (bytes > this.#written.bytes) throw this.#differs();
    if (bytes > left) {
      this.#makeRoom(bytes);
      return false;
    }
    if (this.labels.length < 2 * labelCount) this.labels = new Uint32Array(4 * labelCount);
    this.#copy(this.labels, this.#from + headBytes, 8 * labelCount);
    this.labelCount = labelCount;
    const { chunks } = this;
    chunks.resize(chunkCount);
    let at = this.#from + headBytes + 8 * labelCount;
    for (const column of [chunks.minTimes, chunks.maxTimes, chunks.refs]) {
      this.#copy(column, at, 8 * chunkCount);
      at += 8 * chunkCount;
    }
    this.#from += bytes;
    return true;
  }

  #copy(to: Uint32Array | Float64Array, from: number, bytes: number): void {
    new Uint8Array(to.buffer).set(this.#data.subarray(from, from + bytes));
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#data.length) return;
    const larger = new Uint8Array(2 ** Math.ceil(Math.log2(bytes)));
    larger.set(this.#data.subarray(this.#from, this.#to));
    this.#to -= this.#from;
    this.#from = 0;
    this.#data = larger;
  }

  async #fill(): Promise<void> {
    this.#data.copyWithin(0, this.#from, this.#to);
    this.#to -= this.#from;
    this.#from = 0;
    const room = this.#data.length - this.#to;
    const { bytesRead } = await this.#file.read(this.#data, this.#to, room, this.#read);
    const got = this.#data.subarray(this.#to, this.#to + bytesRead);
    this.#checksum = crc32(got, this.#checksum);
    this.#to += bytesRead;
    this.#read += bytesRead;
    if (bytesRead === 0 && this.#read < this.#written.bytes) throw this.#differs();
  }

  #differs(): BlocksError {
    const text = "a part of a merge does not read back as it was written";
    return new BlocksError("BLOCKS_RESULT", text, { bytes: this.#written.bytes, read: this.#read });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
