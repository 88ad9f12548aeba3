// Metrics of caches, under Thanos' names.
import type { CacheEvents, CachingBucketEvents, IndexCacheEvents } from "@deucalion/blocks";
import { Counter, Histogram, type Registry } from "prom-client";

const tenant = "default-tenant";
const sizeBuckets = [
  32,
  256,
  512,
  1024,
  32 << 10,
  256 << 10,
  512 << 10,
  1 << 20,
  32 << 20,
  64 << 20,
];
const secondsBuckets = [0.01, 0.1, 0.3, 0.6, 1, 3, 6, 10, 15, 20, 30, 45, 60, 90, 120];

/** `thanos_store_index_cache_*` */
export function indexCacheMetrics(registry: Registry): IndexCacheEvents {
  const labelNames = ["item_type", "tenant"];
  const about = { labelNames, registers: [registry] };
  const name = (rest: string): string => `thanos_store_index_cache_${rest}`;
  const requests = new Counter({
    name: name("requests_total"),
    help: "Items asked for.",
    ...about,
  });
  const hits = new Counter({ name: name("hits_total"), help: "Items that were there.", ...about });
  const sizes = new Histogram({
    name: name("stored_data_size_bytes"),
    help: "Sizes of items stored.",
    buckets: sizeBuckets,
    ...about,
  });
  const seconds = new Histogram({
    name: name("fetch_duration_seconds"),
    help: "Time that asking took.",
    buckets: secondsBuckets,
    ...about,
  });
  for (const item of ["Postings", "Series", "ExpandedPostings"]) {
    requests.inc({ item_type: item, tenant }, 0);
    hits.inc({ item_type: item, tenant }, 0);
  }
  return {
    requests: (item, count) => requests.inc({ item_type: item, tenant }, count),
    hits: (item, count) => hits.inc({ item_type: item, tenant }, count),
    stored: (item, bytes) => sizes.observe({ item_type: item, tenant }, bytes),
    seconds: (item, value) => seconds.observe({ item_type: item, tenant }, value),
  };
}

/** `thanos_cache_operations_total` and `thanos_cache_operation_failures_total` of one cache. */
export function cacheMetrics(registry: Registry, cache: string): CacheEvents {
  const counter = (name: string, help: string, labelNames: string[]): Counter => {
    const known = registry.getSingleMetric(name);
    return known === undefined
      ? new Counter({ name, help, labelNames, registers: [registry] })
      : (known as Counter);
  };
  const operations = counter("thanos_cache_operations_total", "Operations of a cache.", [
    "name",
    "operation",
  ]);
  const failures = counter(
    "thanos_cache_operation_failures_total",
    "Operations of a cache that failed, and what was not stored.",
    ["name", "operation", "reason"],
  );
  return {
    operation: (operation) => operations.inc({ name: cache, operation }),
    failure: (operation, reason) => failures.inc({ name: cache, operation, reason }),
  };
}

/** `thanos_store_bucket_cache_*` */
export function cachingBucketMetrics(registry: Registry): CachingBucketEvents {
  const counter = (rest: string, help: string, labelNames: string[]): Counter =>
    new Counter({
      name: `thanos_store_bucket_cache_${rest}`,
      help,
      labelNames,
      registers: [registry],
    });
  const requests = counter("operation_requests_total", "Operations that may be cached.", [
    "operation",
    "config",
  ]);
  const hits = counter("operation_hits_total", "Operations answered by the cache.", [
    "operation",
    "config",
  ]);
  const requested = counter("getrange_requested_bytes_total", "Bytes asked for by range.", [
    "config",
  ]);
  const fetched = counter("getrange_fetched_bytes_total", "Bytes of ranges by their origin.", [
    "origin",
    "config",
  ]);
  return {
    request: (operation, config) => requests.inc({ operation, config }),
    hit: (operation, config, share) => hits.inc({ operation, config }, share),
    requestedBytes: (config, bytes) => requested.inc({ config }, bytes),
    fetchedBytes: (origin, config, bytes) => fetched.inc({ origin, config }, bytes),
  };
}
