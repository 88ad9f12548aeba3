// Options of the query frontend, from its flags.
import { AppError } from "../errors.ts";
import { type HttpOptions, httpOptions } from "../process/service-options.ts";
import { type CacheConfig, parseCacheConfig } from "./cache/cache-config.ts";
import { type DownstreamOptions, parseDownstreamConfig } from "./downstream-config.ts";
import type { QueryFrontendFlagValues } from "./flags.ts";
import { isDynamic, type SplitOptions } from "./plan/split.ts";

export interface QueryFrontendOptions {
  readonly http: HttpOptions;
  readonly requestLoggingConfig: string;
  readonly disableCors: boolean;
  /** The frontend is part of the querier: only range queries go through it, and what is wrong is told in the querier's words. */
  readonly inQuerier: boolean;
  readonly compress: boolean;
  readonly downstreamUrl: URL;
  readonly downstream: DownstreamOptions;
  readonly enableXFunctions: boolean;
  readonly experimentalFunctions: boolean;
  readonly verticalShards: number;
  readonly forceStats: boolean;
  /** Queries that take longer are logged; 0 none, negative all. */
  readonly slowQueryMs: number;
  readonly slowQueryUserHeader: string;
  readonly forwardHeaders: readonly string[];
  readonly compressCache: boolean;
  readonly range: {
    readonly align: boolean;
    readonly requestDownsampled: boolean;
    readonly split: SplitOptions;
    readonly triesMax: number;
    /** 0 is no limit. */
    readonly lengthMaxMs: number;
    readonly parallel: number;
    readonly freshnessMs: number;
    readonly partialResponse: boolean;
    readonly cache: CacheConfig | null;
  };
  readonly instant: { readonly triesMax: number };
  readonly labels: {
    readonly splitMs: number;
    readonly triesMax: number;
    readonly parallel: number;
    readonly freshnessMs: number;
    readonly partialResponse: boolean;
    readonly defaultRangeMs: number;
    readonly cache: CacheConfig | null;
  };
  readonly tenancy: {
    readonly header: string;
    readonly defaultTenant: string;
    readonly certificateField: "" | "organization" | "organizationalUnit" | "commonName";
    readonly orgIdHeaders: readonly string[];
  };
}

function invalid(message: string): never {
  throw new AppError("APP_CONFIG", message);
}

function downstreamUrl(text: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  } catch {
    // Told below.
  }
  return invalid(`invalid --query-frontend.downstream-url ${JSON.stringify(text)}`);
}

function check(options: QueryFrontendOptions): QueryFrontendOptions {
  const { range, labels, tenancy } = options;
  const { split } = range;
  const dynamic = [split.minIntervalMs, split.maxIntervalMs, split.shards];
  if (dynamic.some((value) => value > 0)) {
    if (split.intervalMs > 0) {
      invalid(
        "split queries interval and dynamic query split interval cannot be set at the same time",
      );
    }
    if (!isDynamic(split)) {
      invalid("min split interval, max split interval and horizontal shards must be set together");
    }
    if (split.maxIntervalMs < split.minIntervalMs) {
      invalid("max split interval must not be below min split interval");
    }
  }
  if (range.cache !== null && split.intervalMs <= 0 && !isDynamic(split)) {
    invalid(
      "split queries or split threshold interval should be greater than 0 when caching is enabled",
    );
  }
  if (labels.cache !== null && labels.splitMs <= 0) {
    invalid("split queries interval should be greater than 0 when caching is enabled");
  }
  if (labels.defaultRangeMs === 0) invalid("labels.default-time-range cannot be set to 0");
  if (tenancy.orgIdHeaders.length > 0 && tenancy.header !== "THANOS-TENANT") {
    invalid("org-id-header and tenant-header cannot be used together");
  }
  return options;
}

/** Reads the files that flags name. Throws APP_CONFIG. */
export function queryFrontendOptions(values: QueryFrontendFlagValues): QueryFrontendOptions {
  const compression = values["cache-compression-type"];
  if (compression !== "" && compression !== "snappy") {
    invalid(`unsupported compression type: ${compression}`);
  }
  return check({
    http: httpOptions(values),
    requestLoggingConfig: values["request.logging-config"].read(),
    disableCors: values["web.disable-cors"],
    inQuerier: false,
    compress: values["query-frontend.compress-responses"],
    downstreamUrl: downstreamUrl(values["query-frontend.downstream-url"]),
    downstream: parseDownstreamConfig(values["query-frontend.downstream-tripper-config"].read()),
    enableXFunctions: values["query-frontend.enable-x-functions"],
    experimentalFunctions: values["enable-feature"].includes("promql-experimental-functions"),
    verticalShards: values["query-frontend.vertical-shards"],
    forceStats: values["query-frontend.force-query-stats"],
    slowQueryMs: values["query-frontend.log-queries-longer-than"],
    slowQueryUserHeader: values["query-frontend.slow-query-logs-user-header"],
    forwardHeaders: values["query-frontend.forward-header"],
    compressCache: compression === "snappy",
    range: {
      align: values["query-range.align-range-with-step"],
      requestDownsampled: values["query-range.request-downsampled"],
      split: {
        intervalMs: values["query-range.split-interval"],
        minIntervalMs: values["query-range.min-split-interval"],
        maxIntervalMs: values["query-range.max-split-interval"],
        shards: values["query-range.horizontal-shards"],
      },
      triesMax: values["query-range.max-retries-per-request"],
      lengthMaxMs: values["query-range.max-query-length"],
      parallel: values["query-range.max-query-parallelism"],
      freshnessMs: values["query-range.response-cache-max-freshness"],
      partialResponse: values["query-range.partial-response"],
      cache: parseCacheConfig(values["query-range.response-cache-config"].read()),
    },
    instant: { triesMax: values["query.max-retries-per-request"] },
    labels: {
      splitMs: values["labels.split-interval"],
      triesMax: values["labels.max-retries-per-request"],
      parallel: values["labels.max-query-parallelism"],
      freshnessMs: values["labels.response-cache-max-freshness"],
      partialResponse: values["labels.partial-response"],
      defaultRangeMs: values["labels.default-time-range"],
      cache: parseCacheConfig(values["labels.response-cache-config"].read()),
    },
    tenancy: {
      header: values["query-frontend.tenant-header"],
      defaultTenant: values["query-frontend.default-tenant-id"],
      certificateField: values["query-frontend.tenant-certificate-field"],
      orgIdHeaders: values["query-frontend.org-id-header"],
    },
  });
}
