// Opens the cache that settings describe.
import type { CacheClient } from "./cache-client.ts";
import type { CacheBackend } from "./cache-config.ts";
import { MemcachedClient, type RemoteCacheDeps } from "./memcached-client.ts";
import { MemoryCache } from "./memory-cache.ts";
import { RedisClient, requireRedis } from "./redis-client.ts";

/** Connects when it is first used. Throws BLOCKS_CACHE if a package is missing. */
export function openCache(backend: CacheBackend, deps: RemoteCacheDeps): CacheClient {
  switch (backend.type) {
    case "IN-MEMORY":
      return new MemoryCache(backend.limits, deps.now, deps.events);
    case "MEMCACHED":
      return new MemcachedClient(backend.options, deps);
    case "REDIS":
      requireRedis();
      return new RedisClient(backend.options, deps);
  }
}
