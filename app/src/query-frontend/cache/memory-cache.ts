// A cache in memory with limits of bytes and items; what was not used longest goes first.
import { Counter, Gauge, type Registry } from "prom-client";
import type { MemoryCacheConfig } from "./cache-config.ts";
import type { ResultCache } from "./result-cache.ts";

interface Item {
  readonly value: Buffer;
  readonly storedMs: number;
}

/** Bytes of a map's slot, a key and an object, roughly. */
const itemBytes = 200;

export class MemoryCache implements ResultCache {
  readonly #config: MemoryCacheConfig;
  readonly #now: () => number;
  readonly #items = new Map<string, Item>();
  readonly #metrics: CacheMetrics;
  readonly #name: string;
  #bytes = 0;

  constructor(
    name: string,
    config: MemoryCacheConfig,
    deps: { readonly now: () => number; readonly metrics: CacheMetrics },
  ) {
    this.#name = name;
    this.#config = config;
    this.#now = deps.now;
    this.#metrics = deps.metrics;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Promise<Buffer | null> {
    const { gets, misses } = this.#metrics;
    gets.inc({ cache: this.#name });
    const item = this.#items.get(key);
    const { validityMs } = this.#config;
    if (item !== undefined && validityMs > 0 && this.#now() - item.storedMs > validityMs) {
      this.#drop(key, item);
      this.#show();
    } else if (item !== undefined) {
      this.#items.delete(key);
      this.#items.set(key, item);
      return Promise.resolve(item.value);
    }
    misses.inc({ cache: this.#name });
    return Promise.resolve(null);
  }

  set(key: string, value: Buffer): Promise<void> {
    const { bytesMax, itemsMax } = this.#config;
    const before = this.#items.get(key);
    if (before !== undefined) this.#drop(key, before);
    const bytes = size(key, value);
    if (bytesMax === 0 || bytes <= bytesMax) {
      this.#items.set(key, { value, storedMs: this.#now() });
      this.#bytes += bytes;
      this.#metrics.added.inc({ cache: this.#name });
    }
    for (const [oldest, item] of this.#items) {
      const over =
        (bytesMax > 0 && this.#bytes > bytesMax) || (itemsMax > 0 && this.#items.size > itemsMax);
      if (!over) break;
      this.#drop(oldest, item);
      this.#metrics.evicted.inc({ cache: this.#name });
    }
    this.#show();
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #drop(key: string, item: Item): void {
    this.#items.delete(key);
    this.#bytes -= size(key, item.value);
  }

  #show(): void {
    this.#metrics.entries.set({ cache: this.#name }, this.#items.size);
    this.#metrics.bytes.set({ cache: this.#name }, this.#bytes);
  }
}

function size(key: string, value: Buffer): number {
  return value.byteLength + Buffer.byteLength(key) + itemBytes;
}

/** Metrics of all caches of the process, by name of the cache. */
export class CacheMetrics {
  readonly gets: Counter<"cache">;
  readonly misses: Counter<"cache">;
  readonly added: Counter<"cache">;
  readonly evicted: Counter<"cache">;
  readonly entries: Gauge<"cache">;
  readonly bytes: Gauge<"cache">;

  constructor(registry: Registry) {
    const counter = (name: string, help: string) =>
      new Counter({ name, help, labelNames: ["cache"], registers: [registry] });
    const gauge = (name: string, help: string) =>
      new Gauge({ name, help, labelNames: ["cache"], registers: [registry] });
    this.gets = counter("querier_cache_gets_total", "Look-ups in the cache.");
    this.misses = counter("querier_cache_misses_total", "Look-ups that found nothing.");
    this.added = counter("querier_cache_added_new_total", "Entries put into the cache.");
    this.evicted = counter("querier_cache_evicted_total", "Entries that made room for others.");
    this.entries = gauge("querier_cache_entries", "Entries in the cache.");
    this.bytes = gauge("querier_cache_memory_bytes", "Memory that entries take.");
  }
}
