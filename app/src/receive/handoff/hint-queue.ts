// Requests that wait on disk for one receiver, oldest first.
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { HintEncoder, readHint } from "./hint-segment.ts";

/** A file is sent again whole after a crash, so files are small. */
const segmentBytesMax = 4 * 1024 * 1024;

/** A file of the queue. */
export interface HintFile {
  readonly name: string;
  readonly number: number;
  bytes: number;
}

const filePattern = /^handoff\.([A-Za-z0-9_-]+)\.(\d{8,})$/;

/** Name of a file of the queue of `address`. Plain files: folders beside the tenants' would be taken for tenants. */
export function hintFileName(address: string, number: number): string {
  const text = Buffer.from(address).toString("base64url");
  return `handoff.${text}.${String(number).padStart(8, "0")}`;
}

/** Address and number of a file of hints, null for other files. */
export function parseHintFileName(
  name: string,
): { readonly address: string; readonly number: number } | null {
  const found = filePattern.exec(name);
  if (found === null) return null;
  return { address: Buffer.from(found[1]!, "base64url").toString(), number: Number(found[2]) };
}

/**
 * A queue in files of one folder. What `push` took is in the hands of the kernel when it returns and so survives the
 * process; a file goes away once all of it was delivered.
 */
export class HintQueue {
  readonly #dir: string;
  readonly #address: string;
  readonly #files: HintFile[];
  readonly #encoder = new HintEncoder();
  readonly #damaged: () => void;
  #fd = -1;
  #next: number;
  /** A part of the oldest file, where in the file it begins, and how much of it was delivered. */
  #data: Uint8Array = new Uint8Array(0);
  #from = 0;
  #at = 0;
  #peekedEnd = 0;

  /** `files` are those left from before, oldest first. */
  constructor(dir: string, address: string, files: readonly HintFile[], damaged: () => void) {
    this.#dir = dir;
    this.#address = address;
    this.#files = [...files];
    this.#next = (files.at(-1)?.number ?? 0) + 1;
    this.#damaged = damaged;
  }

  get isEmpty(): boolean {
    return this.#files.length === 0;
  }

  /** Name of the newest file, null for none. */
  get newestName(): string | null {
    return this.#files.at(-1)?.name ?? null;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.bytes, 0);
  }

  /** Appends a request. Throws what the file system throws; then nothing was added. */
  push(request: Uint8Array): void {
    const frame = this.#encoder.frame(request);
    let file = this.#fd >= 0 ? this.#files.at(-1) : undefined;
    if (file === undefined || file.bytes + frame.length > segmentBytesMax) {
      this.#endFile();
      file = { name: hintFileName(this.#address, this.#next), number: this.#next, bytes: 0 };
      this.#fd = openSync(join(this.#dir, file.name), "ax");
      this.#next++;
      this.#files.push(file);
    }
    let at = 0;
    try {
      while (at < frame.length) at += writeSync(this.#fd, frame, at, frame.length - at);
    } catch (error) {
      this.#cutBack(file);
      throw error;
    }
    file.bytes += frame.length;
  }

  /** Takes half a frame away, which would hide what comes after it. */
  #cutBack(file: HintFile): void {
    try {
      ftruncateSync(this.#fd, file.bytes);
    } catch {
      // It stays at the end of its file, which nothing more comes into.
      this.#endFile();
    }
    if (file.bytes === 0) this.#removeFile(file);
  }

  #endFile(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  /**
   * The oldest request; null if there is none. The same again until `drop`. One call at a time. Throws what the file system
   * throws, when nothing is lost: too many open files, for one.
   */
  async peek(): Promise<Uint8Array | null> {
    for (;;) {
      const file = this.#files[0];
      if (file === undefined) return null;
      if (this.#at === this.#data.length) {
        // Frames behind `bytes` may be half written while they are read.
        const from = this.#from + this.#at;
        const data = await readRange(join(this.#dir, file.name), from, file.bytes);
        if (file !== this.#files[0]) continue;
        this.#data = data;
        this.#from = from;
        this.#at = 0;
      }
      const hint = readHint(this.#data, this.#at);
      if (hint !== "damaged") {
        this.#peekedEnd = hint.end;
        return hint.request;
      }
      this.#damaged();
      this.#removeFile(file);
    }
  }

  /** Takes the request away that `peek` gave. */
  drop(): void {
    this.#at = this.#peekedEnd;
    const file = this.#files[0];
    // The file goes as soon as it is used up, so that an empty queue is seen to be empty in the same turn.
    if (file !== undefined && this.#from + this.#at >= file.bytes) this.#removeFile(file);
  }

  #removeFile(file: HintFile): void {
    if (this.#files.at(-1) === file) this.#endFile();
    const at = this.#files.indexOf(file);
    this.#files.splice(at, 1);
    if (at === 0) {
      this.#data = new Uint8Array(0);
      this.#from = 0;
      this.#at = 0;
      this.#peekedEnd = 0;
    }
    try {
      unlinkSync(join(this.#dir, file.name));
    } catch {
      // Gone already.
    }
  }

  /** Removes everything. */
  clear(): void {
    while (this.#files.length > 0) this.#removeFile(this.#files.at(-1)!);
  }

  /** Ends writing; the files stay. */
  close(): void {
    this.#endFile();
  }
}

/** Bytes `[start, end)` of a file; fewer, or none, if it has not that many or is gone. */
async function readRange(path: string, start: number, end: number): Promise<Uint8Array> {
  const data = new Uint8Array(Math.max(0, end - start));
  let filled = 0;
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (handle === null) return data.subarray(0, 0);
  try {
    while (filled < data.length) {
      const { bytesRead } = await handle.read(data, filled, data.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return data.subarray(0, filled);
}
