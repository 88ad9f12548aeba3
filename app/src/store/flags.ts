// Flags of `store`.
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  bool,
  bytes,
  choice,
  duration,
  float,
  int,
  pathOrContent,
  promDuration,
  string,
  timeOrDuration,
  uint,
} from "../flags/flag-types.ts";
import {
  blockViewerFlags,
  externalPrefixFlags,
  globalFlags,
  grpcServerFlags,
  httpFlags,
  matcherCacheFlags,
  requestLoggingFlags,
  requiredObjstoreFlags,
  selectorRelabelFlags,
  seriesLimitFlags,
} from "../flags/groups.ts";

export const storeFlags = {
  ...globalFlags,
  ...httpFlags,
  ...grpcServerFlags,
  "data-dir": string("./data", "Folder for index headers and what is known of blocks."),
  "cache-index-header": bool(true, "Keep index headers on disk; otherwise in a temporary place."),
  "index-cache-size": bytes("250MB", "Memory for the index cache when no configuration is given."),
  "index-cache.config": pathOrContent("YAML that describes the index cache.", { env: true }),
  "store.caching-bucket.config": pathOrContent(
    "YAML that describes the cache in front of the bucket.",
    { env: true, hidden: true },
  ),
  "chunk-pool-size": bytes("2GB", "Most memory for chunks in flight."),
  "store.grpc.touched-series-limit": uint(0, "Deprecated: use --store.limits.request-series."),
  "store.grpc.series-sample-limit": uint(0, "Deprecated: use --store.limits.request-samples."),
  "store.grpc.downloaded-bytes-limit": bytes(
    "0",
    "Most bytes that one Series call may fetch; 0 for no limit.",
  ),
  "store.limits.memory": bytes(
    "0",
    "Most bytes of postings and series that all calls may hold; 0 is an eighth of the memory. Calls wait 5s for others, then fail.",
  ),
  "store.limits.request-memory": bytes(
    "0",
    "Most bytes of postings and series that one call may hold, estimated before it reads; 0 is half of the above.",
  ),
  "store.grpc.series-max-concurrency": int(20, "Series calls served at once; 0 for no limit."),
  "sync-block-duration": duration("15m", "Look for new blocks this often."),
  "block-discovery-strategy": string(
    "concurrent",
    "How blocks are listed: concurrent or recursive.",
  ),
  "block-sync-concurrency": int(20, "Blocks opened at once."),
  "block-meta-fetch-concurrency": int(32, "meta.json files fetched at once."),
  "debug.series-batch-size": int(10_000, "Series in one batch.", { hidden: true }),
  "debug.estimated-max-series-size": uint(65_536, "Guess of the largest index entry, in bytes.", {
    hidden: true,
  }),
  "debug.estimated-max-chunk-size": uint(16_000, "Guess of the largest chunk, in bytes.", {
    hidden: true,
  }),
  "min-time": timeOrDuration(
    "0000-01-01T00:00:00Z",
    "Serve nothing older: a time, or a duration relative to now such as -1d.",
  ),
  "max-time": timeOrDuration(
    "9999-12-31T23:59:59Z",
    "Serve nothing younger: a time, or a duration relative to now.",
  ),
  "store.index-header-posting-offsets-in-mem-sampling": int(
    32,
    "Keep every so manieth label value in memory.",
    { hidden: true },
  ),
  "consistency-delay": promDuration("0s", "Leave out blocks younger than this."),
  "ignore-deletion-marks-delay": promDuration(
    "24h",
    "Leave out blocks whose deletion mark is older than this.",
  ),
  "store.enable-index-header-lazy-reader": bool(
    false,
    "Open an index header when it is first needed.",
  ),
  "store.index-header-lazy-reader-idle-timeout": duration(
    "5m",
    "Close one that was not needed for so long.",
    { hidden: true },
  ),
  "store.enable-lazy-expanded-postings": bool(
    false,
    "Leave large posting lists out and filter series instead.",
  ),
  "store.posting-group-max-key-series-ratio": float(
    "100",
    "Leave out matchers that touch so many times more values than series; 0 never.",
  ),
  "store.index-header-lazy-download-strategy": choice(
    ["eager", "lazy"],
    "eager",
    "Fetch index headers at once (eager) or when needed (lazy).",
  ),
  "store.index-header-disk-cap": bytes(
    "0",
    "Most bytes of index headers in --data-dir: those of the blocks used longest ago go first; 0 for no limit.",
  ),
  ...externalPrefixFlags,
  ...blockViewerFlags,
  ...matcherCacheFlags,
  ...requiredObjstoreFlags,
  "objstore-parquet.config": pathOrContent(
    "YAML that describes a bucket with Parquet files: blocks that were converted as a whole are left out.",
    { env: true },
  ),
  ...selectorRelabelFlags,
  ...requestLoggingFlags,
  ...seriesLimitFlags,
};

export type StoreFlagValues = FlagValues<typeof storeFlags>;
