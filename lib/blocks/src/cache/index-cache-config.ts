// `--index-cache.config`
import { BlocksError } from "../errors.ts";
import type { CacheEvents } from "./cache-client.ts";
import { type CacheBackend, CacheFields, readCacheBackend } from "./cache-config.ts";
import type { IndexCache, IndexCacheEvents, IndexCacheItem } from "./index-cache.ts";
import type { RemoteCacheDeps } from "./memcached-client.ts";
import { MemoryIndexCache } from "./memory-index-cache.ts";
import { openCache } from "./open-cache.ts";
import { RemoteIndexCache } from "./remote-index-cache.ts";

export interface IndexCacheConfig {
  readonly backend: CacheBackend;
  readonly enabled: ReadonlySet<IndexCacheItem>;
  /** How long remote caches keep an item. */
  readonly ttlMs: number;
}

const items: readonly IndexCacheItem[] = ["Postings", "Series", "ExpandedPostings"];
const day = 24 * 3_600_000;

/** Reads the parsed document. `undefined` gives a cache in memory of `bytesMax`. Throws BLOCKS_CACHE. */
export function readIndexCacheConfig(document: unknown, bytesMax: number): IndexCacheConfig {
  if (document === undefined || document === null) {
    const limits = { bytesMax, itemBytesMax: bytesMax >> 1 };
    return { backend: { type: "IN-MEMORY", limits }, enabled: new Set(items), ttlMs: day };
  }
  const config = new CacheFields(document, "index cache configuration");
  const backend = readCacheBackend(config.text("type"), config.section("config"));
  const wanted = config.list("enabled_items");
  for (const item of wanted)
    if (!items.includes(item as IndexCacheItem))
      throw new BlocksError("BLOCKS_CACHE", `unsupported item type ${item}`, { item });
  const enabled = new Set(wanted.length === 0 ? items : (wanted as readonly IndexCacheItem[]));
  const ttlMs = config.durationMs("ttl", day);
  config.noOthers();
  return { backend, enabled, ttlMs };
}

/** Opens it. Throws BLOCKS_CACHE if a package is missing. */
export function openIndexCache(
  config: IndexCacheConfig,
  deps: Omit<RemoteCacheDeps, "events"> & {
    readonly events: IndexCacheEvents;
    readonly cacheEvents: CacheEvents;
  },
): IndexCache {
  const { backend, enabled, ttlMs } = config;
  if (backend.type === "IN-MEMORY")
    return new MemoryIndexCache(backend.limits, enabled, deps.events);
  const client = openCache(backend, { ...deps, events: deps.cacheEvents });
  return new RemoteIndexCache(client, { ttlMs, enabled }, deps.events);
}
