// Files that are read again and again stay open for a while.
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";

/** So long a file is taken for what it was, ms: objects of blocks are never replaced, and asking costs as much as a read. */
const trustedMs = 1000;

interface OpenFile {
  readonly handle: FileHandle;
  readonly size: number;
  /** What tells a file from another one put in its place. */
  readonly mark: string;
  users: number;
  dropped: boolean;
  /** When its mark was last seen in place, in ms of a clock that only goes forward. */
  seenAt: number;
}

/** At most `max` open files; the one used longest ago is closed first, once nobody reads it. */
export class OpenFiles {
  readonly #max: number;
  readonly #files = new Map<string, OpenFile>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Runs `read` with a file that is open. Throws what opening throws; a folder is ENOENT. */
  async with<T>(path: string, read: (handle: FileHandle, size: number) => Promise<T>): Promise<T> {
    const file = await this.#take(path);
    try {
      return await read(file.handle, file.size);
    } finally {
      file.users--;
      if (file.dropped && file.users === 0) await file.handle.close();
    }
  }

  async #take(path: string): Promise<OpenFile> {
    const recent = this.#files.get(path);
    if (recent !== undefined && performance.now() - recent.seenAt < trustedMs) {
      recent.users++;
      return recent;
    }
    const info = await stat(path, { bigint: true });
    if (!info.isFile()) throw Object.assign(new Error(`not a file: ${path}`), { code: "ENOENT" });
    const mark = `${info.dev}:${info.ino}:${info.size}:${info.mtimeNs}`;
    const known = this.#files.get(path);
    if (known !== undefined && known.mark === mark) {
      this.#files.delete(path);
      this.#files.set(path, known);
      known.users++;
      known.seenAt = performance.now();
      return known;
    }
    const handle = await open(path, constants.O_RDONLY);
    const seenAt = performance.now();
    const file = { handle, size: Number(info.size), mark, users: 1, dropped: false, seenAt };
    const before = this.#files.get(path);
    if (before !== undefined) this.#drop(path, before);
    this.#files.set(path, file);
    for (const [oldest, old] of this.#files) {
      if (this.#files.size <= this.#max) break;
      this.#drop(oldest, old);
    }
    return file;
  }

  /** Looks anew at what is at `path` when it is read next: it was changed from here. */
  forget(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#drop(path, file);
  }

  #drop(path: string, file: OpenFile): void {
    this.#files.delete(path);
    file.dropped = true;
    if (file.users === 0) file.handle.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    for (const [path, file] of this.#files) this.#drop(path, file);
  }
}
