// Opens the cache of answers that a configuration describes.
import { openCache } from "@deucalion/blocks";
import { loadXxhash64 } from "@deucalion/kernels";
import { AddressResolver, systemDns } from "@deucalion/storeapi";
import type { AppProcess } from "../../process/app-process.ts";
import { cacheMetrics } from "../../store/cache-metrics.ts";
import type { CacheConfig } from "./cache-config.ts";
import { type CacheMetrics, MemoryCache } from "./memory-cache.ts";
import { RemoteCache } from "./remote-cache.ts";
import type { ResultCache } from "./result-cache.ts";

/** Connects when it is first used; null for no cache. Throws BLOCKS_CACHE if a package is missing. */
export async function openResultCache(
  name: string,
  config: CacheConfig | null,
  app: AppProcess,
  metrics: CacheMetrics,
): Promise<ResultCache | null> {
  if (config === null) return null;
  if (config.type === "memory") return new MemoryCache(name, config, { now: app.now, metrics });
  const resolver = new AddressResolver(systemDns, (message) => app.log.warn(message));
  const client = openCache(config.backend, {
    log: app.log,
    now: app.now,
    xxhash: await loadXxhash64(),
    resolve: (addresses) => resolver.resolve(addresses),
    events: cacheMetrics(app.registry, name),
  });
  return new RemoteCache(name, client, config.expirationMs, metrics);
}
