// Pages of local files, read when they are needed and shared by all index-headers of a process.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { indexError } from "./layout.ts";

const pageBytes = 32 << 10;
/** Pages of one file that a key has room for: 64 GiB, the largest an index can be. */
const pagesMax = 2 ** 21;

/** At most `bytesMax` of pages; the one that was read longest ago goes first. */
export class PageCache {
  readonly #pagesMax: number;
  readonly #pages = new Map<number, Uint8Array>();
  #files = 0;

  constructor(bytesMax: number) {
    this.#pagesMax = Math.max(4, Math.floor(bytesMax / pageBytes));
  }

  /** A number for a file that no other file has had. */
  register(): number {
    return this.#files++;
  }

  get(file: number, page: number, read: () => Uint8Array): Uint8Array {
    const key = file * pagesMax + page;
    const known = this.#pages.get(key);
    if (known !== undefined) return known;
    const data = read();
    if (this.#pages.size >= this.#pagesMax) {
      const oldest = this.#pages.keys().next();
      if (oldest.done !== true) this.#pages.delete(oldest.value);
    }
    this.#pages.set(key, data);
    return data;
  }

  /** Forgets the pages of a file. */
  drop(file: number): void {
    for (const key of this.#pages.keys())
      if (Math.floor(key / pagesMax) === file) this.#pages.delete(key);
  }
}

/**
 * A local file that is read by position. Reads are synchronous: they are short and mostly answered by the operating
 * system's cache, where a turn of the event loop would cost more than the read.
 */
export class PagedFile {
  readonly size: number;
  readonly #descriptor: number;
  readonly #cache: PageCache;
  readonly #id: number;
  #page: Uint8Array = new Uint8Array(0);
  #pageStart = 0;

  constructor(path: string, cache: PageCache) {
    this.#descriptor = openSync(path, "r");
    this.size = fstatSync(this.#descriptor).size;
    this.#cache = cache;
    this.#id = cache.register();
  }

  #load(at: number): void {
    if (at < 0 || at >= this.size) throw indexError("read beyond the index-header", { at });
    const page = Math.floor(at / pageBytes);
    const start = page * pageBytes;
    this.#page = this.#cache.get(this.#id, page, () =>
      this.readDirect(start, Math.min(pageBytes, this.size - start)),
    );
    this.#pageStart = start;
  }

  byte(at: number): number {
    const i = at - this.#pageStart;
    if (i >= 0 && i < this.#page.length) return this.#page[i]!;
    this.#load(at);
    return this.#page[at - this.#pageStart]!;
  }

  /** A copy of [at, at + length). */
  bytes(at: number, length: number): Uint8Array {
    if (at + length > this.size) throw indexError("read beyond the index-header", { at, length });
    if (length === 0) return new Uint8Array(0);
    this.byte(at);
    const i = at - this.#pageStart;
    if (i + length <= this.#page.length) return this.#page.slice(i, i + length);
    return this.readDirect(at, length);
  }

  /** As `bytes`, past the cache: for scans. */
  readDirect(at: number, length: number): Uint8Array {
    const data = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#descriptor, data, done, length - done, at + done);
      if (count === 0) throw indexError("index-header became shorter", { at: at + done });
      done += count;
    }
    return data;
  }

  close(): void {
    this.#cache.drop(this.#id);
    this.#page = new Uint8Array(0);
    closeSync(this.#descriptor);
  }
}
