// Options of the store gateway, from its flags.
import { AppError } from "../errors.ts";
import type { ConfigText } from "../flags/config-text.ts";
import { resolveTime, type TimeOrDuration } from "../flags/time-or-duration.ts";
import {
  type GrpcServerOptions,
  grpcServerOptions,
  type HttpOptions,
  httpOptions,
  type SeriesLimits,
} from "../process/service-options.ts";
import type { StoreFlagValues } from "./flags.ts";

export interface StoreOptions {
  readonly http: HttpOptions;
  readonly grpc: GrpcServerOptions;
  /** Text of the bucket's configuration (YAML), environment filled in. */
  readonly bucketConfig: string;
  /** Where that text came from. */
  readonly bucketConfigSource: ConfigText;
  /** YAML of the bucket with blocks converted to Parquet; "" for none. */
  readonly parquetConfig: string;
  readonly dataDir: string;
  readonly cacheIndexHeader: boolean;
  readonly indexCacheBytes: number;
  /** Text of the index cache's configuration; "" for memory of `indexCacheBytes`. */
  readonly indexCacheConfig: string;
  readonly cachingBucketConfig: string;
  /** Path it was read from; "" where it was given as text. */
  readonly cachingBucketPath: string;
  readonly chunkPoolBytes: number;
  readonly limits: SeriesLimits;
  /** Most bytes that one Series call may fetch; 0 for no limit. */
  readonly downloadedBytesMax: number;
  /** Most bytes that all calls, and one call, may hold beside chunks; 0 for a share of the memory. */
  readonly memoryMax: number;
  readonly requestMemoryMax: number;
  /** Series calls served at once; 0 for no limit. */
  readonly seriesConcurrency: number;
  readonly syncIntervalMs: number;
  readonly discovery: "concurrent" | "recursive";
  readonly syncConcurrency: number;
  readonly metaFetchConcurrency: number;
  readonly seriesBatchSize: number;
  /** What an entry of a series and a chunk are taken for where meta.json does not say, in bytes. */
  readonly seriesBytesGuess: number;
  readonly chunkBytesGuess: number;
  readonly minTime: TimeOrDuration;
  readonly maxTime: TimeOrDuration;
  readonly postingsSampling: number;
  readonly consistencyDelayMs: number;
  readonly ignoreDeletionMarksDelayMs: number;
  readonly lazyIndexHeader: boolean;
  readonly lazyIndexHeaderIdleMs: number;
  readonly lazyExpandedPostings: boolean;
  readonly postingGroupRatio: number;
  readonly indexHeaderDownload: "eager" | "lazy";
  /** Most bytes of index headers on disk; 0 for no limit. */
  readonly indexHeaderDiskMax: number;
  /** Text of the relabelling rules that choose blocks; "" for all. */
  readonly selectorRelabelConfig: string;
  readonly requestLoggingConfig: string;
  readonly matcherCacheSize: number;
  readonly web: {
    readonly disabled: boolean;
    readonly externalPrefix: string;
    readonly prefixHeader: string;
    readonly disableCors: boolean;
    readonly groupLabel: string;
    readonly disableAdmin: boolean;
  };
}

/** Reads the files that flags name. Throws APP_CONFIG. */
export function storeOptions(values: StoreFlagValues): StoreOptions {
  const discovery = values["block-discovery-strategy"];
  if (discovery !== "concurrent" && discovery !== "recursive") {
    throw new AppError("APP_CONFIG", `unknown sync strategy ${discovery}`);
  }
  const now = Date.now();
  if (resolveTime(values["min-time"], now) > resolveTime(values["max-time"], now)) {
    throw new AppError(
      "APP_CONFIG",
      "invalid argument: --min-time can't be greater than --max-time",
    );
  }
  if (values["store.grpc.series-max-concurrency"] < 0) {
    throw new AppError("APP_CONFIG", "max concurrency value cannot be lower than 0");
  }
  return {
    http: httpOptions(values),
    grpc: grpcServerOptions(values),
    bucketConfig: values["objstore.config"].read(),
    bucketConfigSource: values["objstore.config"],
    parquetConfig: values["objstore-parquet.config"].read(),
    dataDir: values["data-dir"],
    cacheIndexHeader: values["cache-index-header"],
    indexCacheBytes: values["index-cache-size"],
    indexCacheConfig: values["index-cache.config"].read(),
    cachingBucketConfig: values["store.caching-bucket.config"].read(),
    cachingBucketPath: values["store.caching-bucket.config"].path,
    chunkPoolBytes: values["chunk-pool-size"],
    limits: {
      series: values["store.limits.request-series"] || values["store.grpc.touched-series-limit"],
      samples: values["store.limits.request-samples"] || values["store.grpc.series-sample-limit"],
    },
    downloadedBytesMax: values["store.grpc.downloaded-bytes-limit"],
    memoryMax: values["store.limits.memory"],
    requestMemoryMax: values["store.limits.request-memory"],
    seriesConcurrency: values["store.grpc.series-max-concurrency"],
    syncIntervalMs: values["sync-block-duration"],
    discovery,
    syncConcurrency: Math.max(1, values["block-sync-concurrency"]),
    metaFetchConcurrency: Math.max(1, values["block-meta-fetch-concurrency"]),
    seriesBatchSize: values["debug.series-batch-size"],
    seriesBytesGuess: Math.max(64, values["debug.estimated-max-series-size"]),
    chunkBytesGuess: Math.max(64, values["debug.estimated-max-chunk-size"]),
    minTime: values["min-time"],
    maxTime: values["max-time"],
    postingsSampling: values["store.index-header-posting-offsets-in-mem-sampling"],
    consistencyDelayMs: values["consistency-delay"],
    ignoreDeletionMarksDelayMs: values["ignore-deletion-marks-delay"],
    lazyIndexHeader: values["store.enable-index-header-lazy-reader"],
    lazyIndexHeaderIdleMs: values["store.index-header-lazy-reader-idle-timeout"],
    lazyExpandedPostings: values["store.enable-lazy-expanded-postings"],
    postingGroupRatio: values["store.posting-group-max-key-series-ratio"],
    indexHeaderDiskMax: values["store.index-header-disk-cap"],
    indexHeaderDownload: values["store.index-header-lazy-download-strategy"],
    selectorRelabelConfig: values["selector.relabel-config"].read(),
    requestLoggingConfig: values["request.logging-config"].read(),
    matcherCacheSize: values["matcher-cache-size"],
    web: {
      disabled: values["web.disable"],
      externalPrefix: values["web.external-prefix"],
      prefixHeader: values["web.prefix-header"],
      disableCors: values["web.disable-cors"],
      groupLabel: values["bucket-web-label"],
      disableAdmin: values["disable-admin-operations"],
    },
  };
}
