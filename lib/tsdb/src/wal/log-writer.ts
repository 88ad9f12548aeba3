// Writes a log: records into pages of 32 KiB, pages into numbered segments.
import {
  close as closeFile,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32c, SnappyEncoder } from "@deucalion/kernels";
import { walPageBytes } from "./log-reader.ts";

const headerBytes = 7;

export interface LogWriterOptions {
  /** Bytes of a segment; a multiple of a page. */
  readonly segmentBytes: number;
  readonly compress: boolean;
}

/** Prometheus' segment size, compressed. */
export const logWriterDefaults: LogWriterOptions = {
  segmentBytes: 128 * 1024 * 1024,
  compress: true,
};

export interface LogWriterDeps {
  /**
   * Ended segments are made durable in the background, and this is told of the one that could not be: what it holds may
   * never reach the disk, and another sync of the same file proves nothing. Null makes each durable in the turn that
   * ends it, which then throws.
   */
  readonly syncFailed: ((error: Error, segment: EndedSegment) => void) | null;
}

/** A segment to which nothing is added any more. */
export interface EndedSegment {
  readonly number: number;
  readonly records: number;
}

/** File name of a segment. */
export function segmentName(number: number): string {
  return String(number).padStart(8, "0");
}

/**
 * Appends records to a log. `append` only queues; `flush` writes, in the calling turn, so that what was flushed is in
 * the hands of the kernel. When writing fails, `flush` throws and everything queued stays queued: a later flush that
 * succeeds has written all that came before.
 */
export class LogWriter {
  readonly dir: string;
  readonly #options: LogWriterOptions;
  readonly #deps: LogWriterDeps;
  readonly #snappy = new SnappyEncoder();
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #number: number;
  #fd: number;
  /** Place in the segment behind what is in the buffer. */
  #position = 0;
  /** Records in the segment. */
  #records = 0;
  #buffer = new Uint8Array(4 * walPageBytes);
  #filled = 0;
  #written = 0;

  private constructor(dir: string, number: number, options: LogWriterOptions, deps: LogWriterDeps) {
    this.dir = dir;
    this.#options = options;
    this.#deps = deps;
    this.#number = number;
    const path = join(dir, segmentName(number));
    this.#fd = openSync(path, "ax");
    try {
      syncFolder(dir);
    } catch (thrown) {
      // Whoever tries again begins the same segment.
      closeSync(this.#fd);
      unlinkSync(path);
      throw thrown;
    }
  }

  /** Begins segment `number`, which must not exist; the folder is made. */
  static open(
    dir: string,
    number: number,
    deps: LogWriterDeps,
    options: LogWriterOptions = logWriterDefaults,
  ): LogWriter {
    mkdirSync(dir, { recursive: true });
    return new LogWriter(dir, number, options, deps);
  }

  /** Number of the segment that is being written. */
  get segment(): number {
    return this.#number;
  }

  /** Bytes that were appended and are not written yet. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#filled - this.#written;
  }

  /** Bytes in the current segment. */
  get position(): number {
    return this.#position;
  }

  /** Queues a record; `record` is copied. */
  append(record: Uint8Array): void {
    this.#queue.push(record.slice());
    this.#queuedBytes += record.length;
  }

  /** Writes everything that is queued. Throws what the file system throws; nothing is lost by that. */
  flush(): void {
    while (this.#queue.length > 0) {
      const record = this.#queue[0]!;
      this.#place(record);
      this.#queue.shift();
      this.#queuedBytes -= record.length;
    }
    this.#writeOut();
  }

  #place(record: Uint8Array): void {
    let data = record;
    let flags = 0;
    if (this.#options.compress && record.length > 0) {
      const packed = this.#snappy.encode(record);
      if (packed.length < record.length) {
        data = packed;
        flags = 0x08;
      }
    }
    const pageLeft = walPageBytes - (this.#position % walPageBytes) - headerBytes;
    const pagesLeft = Math.floor((this.#options.segmentBytes - this.#position) / walPageBytes);
    const room = Math.max(0, pageLeft) + Math.max(0, pagesLeft) * (walPageBytes - headerBytes);
    if (this.#position > 0 && data.length > room) this.cut();
    let at = 0;
    for (let first = true; first || at < data.length; first = false) {
      let left = walPageBytes - (this.#position % walPageBytes);
      if (left < headerBytes + 1) {
        this.#zeros(left);
        left = walPageBytes;
      }
      const count = Math.min(data.length - at, left - headerBytes);
      const last = at + count === data.length;
      const type = first ? (last ? 1 : 2) : last ? 4 : 3;
      this.#fragment(type | flags, data, at, at + count);
      at += count;
    }
    this.#records++;
  }

  #reserve(count: number): number {
    const at = this.#filled;
    if (at + count > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(at + count, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#filled += count;
    this.#position += count;
    return at;
  }

  #zeros(count: number): void {
    const at = this.#reserve(count);
    this.#buffer.fill(0, at, at + count);
  }

  #fragment(type: number, data: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const at = this.#reserve(headerBytes + length);
    const out = this.#buffer;
    const crc = crc32c(data, start, end);
    out[at] = type;
    out[at + 1] = length >>> 8;
    out[at + 2] = length;
    out[at + 3] = crc >>> 24;
    out[at + 4] = crc >>> 16;
    out[at + 5] = crc >>> 8;
    out[at + 6] = crc;
    out.set(data.subarray(start, end), at + headerBytes);
  }

  #writeOut(): void {
    while (this.#written < this.#filled) {
      this.#written += writeSync(
        this.#fd,
        this.#buffer,
        this.#written,
        this.#filled - this.#written,
      );
    }
    this.#written = 0;
    this.#filled = 0;
    if (this.#buffer.length > 1 << 22) this.#buffer = new Uint8Array(4 * walPageBytes);
  }

  /** Ends the segment, makes it durable and begins the next. Returns the number of the ended one. */
  cut(): number {
    const rest = this.#position % walPageBytes;
    if (rest > 0) this.#zeros(walPageBytes - rest);
    this.#writeOut();
    const { syncFailed } = this.#deps;
    if (syncFailed === null) fdatasyncSync(this.#fd);
    const next = openSync(join(this.dir, segmentName(this.#number + 1)), "ax");
    const old = this.#fd;
    this.#fd = next;
    this.#number++;
    this.#position = 0;
    const ended: EndedSegment = { number: this.#number - 1, records: this.#records };
    this.#records = 0;
    if (syncFailed === null) closeSync(old);
    else {
      fdatasync(old, (error) => {
        if (error !== null) syncFailed(error, ended);
        closeFile(old, () => undefined);
      });
    }
    return ended.number;
  }

  /** Writes what is queued and makes it durable. */
  sync(): void {
    this.flush();
    fdatasyncSync(this.#fd);
  }

  /** Writes what is queued, makes it durable and closes. */
  close(): void {
    try {
      this.sync();
    } finally {
      closeSync(this.#fd);
    }
  }

  /** Closes without writing what is queued. */
  abandon(): void {
    closeSync(this.#fd);
  }
}

/** Makes the names in a folder durable. */
export function syncFolder(dir: string): void {
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
