// The index cache in this process: pages of indexes, and postings of whole selectors.
import type { Matcher } from "@deucalion/model";
import { silentCacheEvents } from "./cache-client.ts";
import {
  type IndexCache,
  type IndexCacheEvents,
  type IndexCacheItem,
  matchersKey,
  type ReadIndex,
} from "./index-cache.ts";
import { MemoryCache, type MemoryCacheLimits } from "./memory-cache.ts";

/** Blocks do not change: only room ends a page. */
const forever = Number.POSITIVE_INFINITY;
const pageBytes = 32 << 10;

/** Pages cost nothing per series, however many a query touches. */
export class MemoryIndexCache implements IndexCache {
  readonly memory: MemoryCache;
  readonly #events: IndexCacheEvents;
  readonly #enabled: ReadonlySet<IndexCacheItem>;

  constructor(
    limits: MemoryCacheLimits,
    enabled: ReadonlySet<IndexCacheItem>,
    events: IndexCacheEvents,
  ) {
    this.memory = new MemoryCache(limits, () => 0, silentCacheEvents);
    this.#enabled = enabled;
    this.#events = events;
  }

  async expanded(block: string, matchers: readonly Matcher[]): Promise<Uint32Array | undefined> {
    if (!this.#enabled.has("ExpandedPostings")) return undefined;
    this.#events.requests("ExpandedPostings", 1);
    const data = this.memory.get(`EP:${block}:${matchersKey(matchers)}`);
    if (data === undefined) return undefined;
    this.#events.hits("ExpandedPostings", 1);
    return new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2);
  }

  storeExpanded(block: string, matchers: readonly Matcher[], postings: Uint32Array): void {
    if (!this.#enabled.has("ExpandedPostings")) return;
    const own = postings.slice();
    this.#events.stored("ExpandedPostings", own.byteLength);
    const bytes = new Uint8Array(own.buffer);
    this.memory.store(`EP:${block}:${matchersKey(matchers)}`, bytes, forever);
  }

  lists(): undefined {
    // Pages of the index hold them.
    return undefined;
  }

  storeList(): void {
    // As above.
  }

  async index(
    block: string,
    from: number,
    length: number,
    item: "Postings" | "Series",
    read: ReadIndex,
  ): Promise<Uint8Array> {
    if (!this.#enabled.has(item) || length <= 0) return read(from, length);
    const first = Math.floor(from / pageBytes);
    const count = Math.ceil((from + length) / pageBytes) - first;
    const pages = new Array<Uint8Array | undefined>(count);
    const runs: { start: number; end: number }[] = [];
    for (let i = 0; i < count; i++) {
      pages[i] = this.memory.get(`I:${block}:${first + i}`);
      if (pages[i] !== undefined) continue;
      const last = runs.at(-1);
      if (last?.end === i) last.end = i + 1;
      else runs.push({ start: i, end: i + 1 });
    }
    this.#events.requests(item, count);
    this.#events.hits(item, pages.filter((page) => page !== undefined).length);
    await Promise.all(runs.map((run) => this.#readRun(block, first, run, pages, item, read)));
    return assemble(pages, from - first * pageBytes, length);
  }

  async #readRun(
    block: string,
    first: number,
    { start, end }: { start: number; end: number },
    pages: (Uint8Array | undefined)[],
    item: IndexCacheItem,
    read: ReadIndex,
  ): Promise<void> {
    const data = await read((first + start) * pageBytes, (end - start) * pageBytes);
    for (let i = start; i < end; i++) {
      const at = (i - start) * pageBytes;
      // A copy: the page must not keep the whole read alive.
      const page = data.slice(at, at + pageBytes);
      pages[i] = page;
      if (page.length === 0) continue;
      this.#events.stored(item, page.length);
      this.memory.store(`I:${block}:${first + i}`, page, forever);
    }
  }

  series(): undefined {
    return undefined;
  }

  storeSeries(): void {
    // Pages hold the entries.
  }

  forget(block: string, from: number, length: number): void {
    const first = Math.floor(from / pageBytes);
    const last = Math.floor((from + Math.max(1, length) - 1) / pageBytes);
    for (let page = first; page <= last; page++) this.memory.delete(`I:${block}:${page}`);
  }

  close(): Promise<void> {
    return this.memory.close();
  }
}

/** Bytes `[skip, skip + length)` of the pages together; fewer where a page is cut off by the end of the index. */
function assemble(
  pages: readonly (Uint8Array | undefined)[],
  skip: number,
  length: number,
): Uint8Array {
  const last = pages.length - 1;
  const bytes = last * pageBytes + (pages[last]?.length ?? 0);
  const out = new Uint8Array(Math.max(0, Math.min(length, bytes - skip)));
  let to = 0;
  for (let i = 0; i < pages.length && to < out.length; i++) {
    const from = i === 0 ? skip : 0;
    const part = pages[i]!.subarray(from, from + out.length - to);
    out.set(part, to);
    to += part.length;
  }
  return to === out.length ? out : out.subarray(0, to);
}
