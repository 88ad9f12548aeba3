// `--store.caching-bucket.config`
import type { Xxhash64 } from "@deucalion/kernels";
import { type CacheBackend, CacheFields, readCacheBackend } from "./cache-config.ts";
import type { CachingBucketOptions } from "./caching-bucket.ts";
import type { GroupcacheOptions } from "./groupcache/groupcache.ts";
import { readGroupcache } from "./groupcache/groupcache-config.ts";

const hour = 3_600_000;

/** A cache of its own kind is one that gateways make together. */
export type CachingBackend =
  | CacheBackend
  | { readonly type: "GROUPCACHE"; readonly options: GroupcacheOptions };

function readBackend(type: string, config: CacheFields): CachingBackend {
  return type.toUpperCase() === "GROUPCACHE"
    ? { type: "GROUPCACHE", options: readGroupcache(config) }
    : readCacheBackend(type, config);
}

/** Reads the parsed document. `text` and `path` are what it was read from: they name the bucket in keys, as Thanos has it. */
export function readCachingBucketConfig(
  document: unknown,
  { text, path }: { readonly text: string; readonly path: string },
  hash: Xxhash64,
): { readonly backend: CachingBackend; readonly options: CachingBucketOptions } {
  const config = new CacheFields(document, "caching bucket configuration");
  const backend = readBackend(config.text("type"), config.section("config"));
  hash.hash(new TextEncoder().encode(text + path));
  const configHash = ((BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0)).toString();
  const options: CachingBucketOptions = {
    subrangeBytes: config.number("chunk_subrange_size", 16_000) || 16_000,
    subrangeRequestsMax: config.number("max_chunks_get_range_requests", 3),
    metaBytesMax: config.bytes("metafile_max_size", 1 << 20),
    chunkAttributesTtlMs: config.durationMs("chunk_object_attrs_ttl", 24 * hour),
    chunkSubrangeTtlMs: config.durationMs("chunk_subrange_ttl", 24 * hour),
    blocksIterTtlMs: config.durationMs("blocks_iter_ttl", 300_000),
    metaExistsTtlMs: config.durationMs("metafile_exists_ttl", 2 * hour),
    metaMissingTtlMs: config.durationMs("metafile_doesnt_exist_ttl", 900_000),
    metaContentTtlMs: config.durationMs("metafile_content_ttl", 24 * hour),
    configHash,
  };
  config.noOthers();
  return { backend, options };
}
