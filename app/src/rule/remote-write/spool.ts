// Samples that wait to be sent: an append-only log of frames in numbered files, read from any position.
//
//   frame:  length (u32)  CRC-32C of the payload (u32)  payload        big endian
//   payload: a prometheus.WriteRequest as a Snappy block
import {
  closeSync,
  fdatasync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@deucalion/kernels";

const frameHeaderBytes = 8;
/** A frame beyond this is damage. */
const frameBytesMax = 64 * 1024 * 1024;

export interface SpoolOptions {
  readonly dir: string;
  /** A file is ended beyond so many bytes. */
  readonly segmentBytes: number;
  /** Beyond so many bytes together the oldest files go, sent or not. */
  readonly bytesMax: number;
}

export const spoolDefaults: Omit<SpoolOptions, "dir"> = {
  segmentBytes: 16 * 1024 * 1024,
  bytesMax: 2 * 1024 * 1024 * 1024,
};

export interface SpoolDeps {
  /** Told of frames that cannot be read, and of files given up. */
  readonly report: (reason: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** A place between two frames. */
export interface SpoolPosition {
  readonly segment: number;
  readonly offset: number;
}

export interface SpoolPart {
  /** Payloads in order; each is its own. */
  readonly payloads: readonly Uint8Array[];
  /** Behind the last of them. */
  readonly next: SpoolPosition;
}

function fileName(segment: number): string {
  return String(segment).padStart(8, "0");
}

/** Negative if `a` comes first. */
export function comparePositions(a: SpoolPosition, b: SpoolPosition): number {
  return a.segment - b.segment || a.offset - b.offset;
}

/**
 * One writer, any number of readers in the same process. What `append` wrote is with the kernel when it returns, so it
 * outlives the process.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #deps: SpoolDeps;
  /** Bytes of each file, oldest first; the last is written to. */
  readonly #sizes = new Map<number, number>();
  readonly #waiting = new Set<() => void>();
  #fd: number;
  #segment: number;

  /** Opens the folder, made if needed, and begins a new file. */
  constructor(options: SpoolOptions, deps: SpoolDeps) {
    this.#options = options;
    this.#deps = deps;
    mkdirSync(options.dir, { recursive: true });
    const segments = readdirSync(options.dir)
      .filter((name) => /^\d{8}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
    for (const segment of segments) {
      this.#sizes.set(segment, statSync(this.#path(segment)).size);
    }
    this.#segment = (segments.at(-1) ?? 0) + 1;
    this.#fd = this.#make(this.#segment);
    this.#sizes.set(this.#segment, 0);
  }

  /** Not for appending: what a failed write left is written over, and appending would go behind it. */
  #make(segment: number): number {
    return openSync(this.#path(segment), "wx");
  }

  #path(segment: number): string {
    return join(this.#options.dir, fileName(segment));
  }

  get bytes(): number {
    let sum = 0;
    for (const size of this.#sizes.values()) sum += size;
    return sum;
  }

  get start(): SpoolPosition {
    const [first = this.#segment] = this.#sizes.keys();
    return { segment: first, offset: 0 };
  }

  /** Behind the last frame. */
  get end(): SpoolPosition {
    return { segment: this.#segment, offset: this.#sizes.get(this.#segment)! };
  }

  /** Bytes between a position and the end. */
  bytesFrom(position: SpoolPosition): number {
    let sum = 0;
    for (const [segment, size] of this.#sizes) {
      if (segment > position.segment) sum += size;
      else if (segment === position.segment) sum += Math.max(0, size - position.offset);
    }
    return sum;
  }

  /** Writes a frame. Throws what the file system throws; nothing of the frame counts then. */
  append(payload: Uint8Array): void {
    const frame = Buffer.alloc(frameHeaderBytes + payload.length);
    frame.writeUInt32BE(payload.length, 0);
    frame.writeUInt32BE(crc32c(payload, 0, payload.length), 4);
    frame.set(payload, frameHeaderBytes);
    const at = this.#sizes.get(this.#segment)!;
    if (at > 0 && at + frame.length > this.#options.segmentBytes) this.#rotate();
    const from = this.#sizes.get(this.#segment)!;
    for (let written = 0; written < frame.length; ) {
      written += writeSync(this.#fd, frame, written, frame.length - written, from + written);
    }
    this.#sizes.set(this.#segment, from + frame.length);
    for (const wake of [...this.#waiting]) wake();
  }

  #rotate(): void {
    const old = this.#fd;
    this.#fd = this.#make(this.#segment + 1);
    this.#segment++;
    this.#sizes.set(this.#segment, 0);
    fdatasync(old, (error) => {
      if (error !== null) this.#deps.report("a file could not be synced", { err: error.message });
      closeSync(old);
    });
    while (this.bytes > this.#options.bytesMax && this.#sizes.size > 1) {
      const { segment } = this.start;
      const bytes = this.#sizes.get(segment)!;
      this.#remove(segment);
      this.#deps.report("samples that wait to be sent are dropped, there are too many", { bytes });
    }
  }

  #remove(segment: number): void {
    this.#sizes.delete(segment);
    rmSync(this.#path(segment), { force: true });
  }

  /** Removes files that lie wholly before a position. */
  releaseBefore(position: SpoolPosition): void {
    for (const segment of [...this.#sizes.keys()]) {
      if (segment < position.segment && segment !== this.#segment) this.#remove(segment);
    }
  }

  /** The position, or the next one that there is. */
  clamp(position: SpoolPosition): SpoolPosition {
    const { start, end } = this;
    if (comparePositions(position, start) < 0) return start;
    return comparePositions(position, end) > 0 ? end : position;
  }

  /** Frames from a position on, some `bytesMax` of them, at least one if there is any. Damage is reported and skipped. */
  async read(from: SpoolPosition, bytesMax: number): Promise<SpoolPart> {
    let position = this.clamp(from);
    for (;;) {
      const size = this.#sizes.get(position.segment) ?? 0;
      if (position.offset < size) {
        const part = await this.#readFile(position, size, bytesMax).catch((error: unknown) => {
          // Given up meanwhile, since there were too many.
          if (!this.#sizes.has(position.segment)) return null;
          throw error;
        });
        if (part !== null && part.payloads.length > 0) return part;
        position = part?.next ?? this.clamp(position);
        continue;
      }
      const following = [...this.#sizes.keys()].find((segment) => segment > position.segment);
      if (following === undefined) return { payloads: [], next: position };
      position = { segment: following, offset: 0 };
    }
  }

  async #readFile(
    { segment, offset }: SpoolPosition,
    size: number,
    bytesMax: number,
  ): Promise<SpoolPart> {
    const payloads: Uint8Array[] = [];
    const file = await open(this.#path(segment), "r");
    try {
      let at = offset;
      let taken = 0;
      const header = Buffer.alloc(frameHeaderBytes);
      while (at + frameHeaderBytes <= size && (taken === 0 || taken < bytesMax)) {
        await file.read(header, 0, frameHeaderBytes, at);
        const length = header.readUInt32BE(0);
        const stop = at + frameHeaderBytes + length;
        if (length > frameBytesMax || stop > size) break;
        const payload = Buffer.alloc(length);
        await file.read(payload, 0, length, at + frameHeaderBytes);
        if (crc32c(payload, 0, length) !== header.readUInt32BE(4)) break;
        payloads.push(payload);
        taken += length;
        at = stop;
      }
      const stuck = payloads.length === 0;
      if (!stuck) return { payloads, next: { segment, offset: at } };
      // The process died in the middle of a write, or the file is damaged: nothing can be found behind that.
      this.#deps.report("the rest of a file cannot be read", { segment, offset: at, size });
      return { payloads, next: { segment, offset: size } };
    } finally {
      await file.close();
    }
  }

  /** Resolves when there is something behind the position, or the signal aborts. */
  async more(position: SpoolPosition, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && comparePositions(position, this.end) >= 0) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
