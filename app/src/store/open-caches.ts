// The caches of the store gateway: of indexes, and in front of the bucket.
import { type Log, messageOf } from "@deucalion/base";
import {
  type CacheEvents,
  CachingBucket,
  Groupcache,
  type IndexCache,
  openCache,
  openIndexCache,
  readCachingBucketConfig,
  readIndexCacheConfig,
} from "@deucalion/blocks";
import type { Xxhash64 } from "@deucalion/kernels";
import type { Bucket } from "@deucalion/objstore";
import { AddressResolver, systemDns } from "@deucalion/storeapi";
import type { Registry } from "prom-client";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { cacheMetrics, cachingBucketMetrics, indexCacheMetrics } from "./cache-metrics.ts";
import { groupcacheMetrics } from "./groupcache-metrics.ts";

export interface CacheDeps {
  readonly log: Log;
  readonly registry: Registry;
  readonly xxhash: Xxhash64;
  readonly now: () => number;
}

/** Says which flag is wrong. */
function checked<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new AppError("APP_CONFIG", `--${flag}: ${messageOf(cause)}`, {}, { cause });
  }
}

function remoteDeps({ log, xxhash, now }: CacheDeps) {
  const resolver = new AddressResolver(systemDns, (message) => log.warn(message));
  const resolve = (addresses: readonly string[]) => resolver.resolve(addresses);
  return { log, xxhash, now, resolve };
}

/** The index cache of a YAML text; "" is memory of `bytesMax`. Throws APP_CONFIG. */
export function openConfiguredIndexCache(
  text: string,
  bytesMax: number,
  deps: CacheDeps,
): IndexCache {
  return checked("index-cache.config", () => {
    const config = readIndexCacheConfig(text.trim() === "" ? undefined : parse(text), bytesMax);
    const events = indexCacheMetrics(deps.registry);
    const cacheEvents: CacheEvents = cacheMetrics(deps.registry, "index-cache");
    return openIndexCache(config, { ...remoteDeps(deps), events, cacheEvents });
  });
}

/** Puts the cache of a YAML text in front of a bucket; "" is none. `peers` is to answer other gateways. Throws APP_CONFIG. */
export function withConfiguredCache(
  bucket: Bucket,
  config: { readonly text: string; readonly path: string },
  deps: CacheDeps,
): { readonly bucket: Bucket; readonly peers?: Groupcache } {
  if (config.text.trim() === "") return { bucket };
  return checked("store.caching-bucket.config", () => {
    const { backend, options } = readCachingBucketConfig(parse(config.text), config, deps.xxhash);
    const cacheEvents = cacheMetrics(deps.registry, "caching-bucket");
    const events = cachingBucketMetrics(deps.registry);
    const remote = { ...remoteDeps(deps), events: cacheEvents };
    if (backend.type !== "GROUPCACHE") {
      const cache = openCache(backend, remote);
      return { bucket: new CachingBucket(bucket, options, { cache, events, now: deps.now }) };
    }
    const peers = new Groupcache(backend.options, { ...remote, bucket, caching: options });
    groupcacheMetrics(deps.registry, peers);
    const cached = new CachingBucket(bucket, options, { cache: peers, events, now: deps.now });
    return { bucket: cached, peers };
  });
}
