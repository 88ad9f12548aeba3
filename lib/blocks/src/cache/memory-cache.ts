// A cache in this process: bytes up to a limit, the least recently used go first.
import type { CacheClient, CacheEvents } from "./cache-client.ts";

/** What an entry costs beside its key and bytes. */
const entryBytes = 120;

interface Entry {
  readonly value: Uint8Array;
  readonly untilMs: number;
}

export interface MemoryCacheLimits {
  readonly bytesMax: number;
  /** Larger items are not kept. */
  readonly itemBytesMax: number;
}

export class MemoryCache implements CacheClient {
  readonly #limits: MemoryCacheLimits;
  readonly #now: () => number;
  readonly #events: CacheEvents;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** Entries that went to make room. */
  evictions = 0;

  constructor(limits: MemoryCacheLimits, now: () => number, events: CacheEvents) {
    this.#limits = limits;
    this.#now = now;
    this.#events = events;
  }

  get bytes(): number {
    return this.#bytes;
  }
  get count(): number {
    return this.#entries.size;
  }

  /** One item at once; callers in this process need no promise. */
  get(key: string): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.untilMs <= this.#now()) {
      this.#bytes -= cost(key, entry.value);
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** One item with the time until which it is kept, in ms. */
  entry(key: string): { readonly value: Uint8Array; readonly untilMs: number } | undefined {
    return this.get(key) === undefined ? undefined : this.#entries.get(key);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= cost(key, entry.value);
  }

  async fetch(keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    this.#events.operation("get");
    const found = new Map<string, Uint8Array>();
    for (const key of keys) {
      const value = this.get(key);
      if (value !== undefined) found.set(key, value);
    }
    return found;
  }

  store(key: string, value: Uint8Array, ttlMs: number): void {
    this.#events.operation("set");
    const bytes = cost(key, value);
    if (value.length > this.#limits.itemBytesMax || bytes > this.#limits.bytesMax) {
      this.#events.failure("set", "max-item-size");
      return;
    }
    // A part of a larger buffer would keep all of it alive.
    const own = value.byteLength * 2 < value.buffer.byteLength ? value.slice() : value;
    const before = this.#entries.get(key);
    if (before !== undefined) {
      this.#bytes -= cost(key, before.value);
      this.#entries.delete(key);
    }
    this.#entries.set(key, { value: own, untilMs: this.#now() + ttlMs });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#limits.bytesMax) break;
      this.#entries.delete(oldest);
      this.#bytes -= cost(oldest, entry.value);
      this.evictions++;
    }
  }

  async close(): Promise<void> {
    this.#entries.clear();
    this.#bytes = 0;
  }
}

function cost(key: string, value: Uint8Array): number {
  return key.length + value.length + entryBytes;
}
