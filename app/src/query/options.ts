// Options of the querier, from its flags.
import { availableParallelism } from "node:os";
import type { Labels } from "@deucalion/model";
import { AppError } from "../errors.ts";
import {
  type GrpcServerOptions,
  grpcServerOptions,
  type HttpOptions,
  httpOptions,
  parseExternalLabels,
  type SeriesLimits,
} from "../process/service-options.ts";
import { parseCacheConfig } from "../query-frontend/cache/cache-config.ts";
import type { InProcessOptions } from "../query-frontend/in-process.ts";
import type { QueryFlagValues } from "./flags.ts";

/** How the HTTP API behaves; a querier in one process with its sources has these, too. */
export interface QueryApiOptions {
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  /** Selects of one query that are opened at once; 0 is no bound. */
  readonly maxConcurrentSelect: number;
  /** 0 is the engine's own (5 min). */
  readonly lookbackMs: number;
  /** Look back further where downsampled data is asked for. */
  readonly dynamicLookback: boolean;
  readonly engine: "prometheus" | "thanos";
  readonly enableXFunctions: boolean;
  readonly experimentalFunctions: boolean;
  readonly replicaLabels: readonly string[];
  readonly partialResponse: boolean;
  readonly partialResponses: {
    readonly rules: boolean;
    readonly targets: boolean;
    readonly metadata: boolean;
    readonly exemplars: boolean;
    readonly status: boolean;
  };
  readonly autoDownsampling: boolean;
  readonly instantMaxSourceResolutionMs: number;
  /** 0 is all time. */
  readonly metadataRangeMs: number;
  readonly defaultStepMs: number;
  /** Step of subqueries that give none. */
  readonly evaluationIntervalMs: number;
  /** Folder of `queries.active`; "" for none. */
  readonly activeQueryPath: string;
  /** Queries that take longer are logged; 0 none, negative all. */
  readonly slowQueryMs: number;
  readonly maxSamples: number;
  /** Limits in bytes; 0 for none. */
  readonly maxBytesPerQuery: number;
  readonly maxBytes: number;
  readonly tenancy: {
    readonly header: string;
    readonly defaultTenant: string;
    readonly certificateField: "" | "organization" | "organizationalUnit" | "commonName";
    readonly enforce: boolean;
    readonly label: string;
  };
  readonly web: {
    /** "" or a path that begins with a slash and does not end with one. */
    readonly routePrefix: string;
    readonly externalPrefix: string;
    readonly prefixHeader: string;
    readonly disableCors: boolean;
    readonly queryUrl: string;
  };
  readonly durationBuckets: readonly number[];
  readonly samplesBuckets: readonly number[];
  readonly seriesBuckets: readonly number[];
}

export interface QueryOptions extends QueryApiOptions {
  readonly http: HttpOptions;
  readonly grpc: GrpcServerOptions;
  readonly grpcClient: {
    readonly secure: boolean;
    readonly skipVerify: boolean;
    readonly certFile: string;
    readonly keyFile: string;
    readonly caFile: string;
    readonly serverName: string;
    readonly compression: "snappy" | "none";
    readonly minVersion: "1.0" | "1.1" | "1.2" | "1.3";
  };
  readonly mode: "local" | "distributed";
  readonly distributed: {
    /** Labels that tell the data of remote queriers apart; none: all of them. */
    readonly partitionLabels: readonly string[];
    /** A remote querier is trusted from the first of its TSDBs on, not from where all of them have data. */
    readonly overlapping: boolean;
  };
  /** Threads that evaluate big queries; 0 for none. */
  readonly workerThreads: number;
  /** A query frontend in this process; null for none. */
  readonly frontend: InProcessOptions | null;
  readonly dedupFunc: "fill" | "penalty" | "chain";
  readonly selectorLabels: Labels;
  readonly selectorRelabelConfig: string;
  readonly requestLoggingConfig: string;
  readonly limits: SeriesLimits;
  readonly storeTimeoutMs: number;
  readonly proxyStrategy: "eager" | "lazy";
  readonly lazyBufferedFrames: number;
  readonly connectionMetricLabels: readonly ("external_labels" | "store_type" | "ip_port")[];
  readonly endpoints: {
    readonly addresses: readonly string[];
    readonly groups: readonly string[];
    readonly strict: readonly string[];
    readonly groupsStrict: readonly string[];
    readonly infoTimeoutMs: number;
    readonly unhealthyTimeoutMs: number;
    readonly dnsIntervalMs: number;
    readonly sdFiles: readonly string[];
    readonly sdIntervalMs: number;
    /** Path of the endpoint configuration, read again every `sdConfigReloadMs`; "" for none. */
    readonly sdConfigFile: string;
    readonly sdConfig: string;
    readonly sdConfigReloadMs: number;
  };
}

/** Makes a prefix begin with one slash and end without; scheme and host go. */
export function cleanPrefix(text: string): string {
  const path = text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.length === 0 ? "" : `/${parts.join("/")}`;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

function apiOptions(values: QueryFlagValues): QueryApiOptions {
  const externalPrefix = cleanPrefix(values["web.external-prefix"]);
  return {
    timeoutMs: values["query.timeout"],
    maxConcurrent: values["query.max-concurrent"],
    maxConcurrentSelect: values["query.max-concurrent-select"],
    lookbackMs: values["query.lookback-delta"],
    dynamicLookback: values["query.dynamic-lookback-delta"],
    engine: values["query.promql-engine"],
    enableXFunctions: values["query.enable-x-functions"],
    experimentalFunctions: values["enable-feature"].includes("promql-experimental-functions"),
    replicaLabels: values["query.replica-label"],
    partialResponse: values["query.partial-response"],
    partialResponses: {
      rules: values["rule.partial-response"],
      targets: values["target.partial-response"],
      metadata: values["metric-metadata.partial-response"],
      exemplars: values["exemplar.partial-response"],
      status: values["status.partial-response"],
    },
    autoDownsampling: values["query.auto-downsampling"],
    instantMaxSourceResolutionMs: values["query.instant.default.max_source_resolution"],
    metadataRangeMs: values["query.metadata.default-time-range"],
    defaultStepMs: values["query.default-step"],
    evaluationIntervalMs: values["query.default-evaluation-interval"],
    activeQueryPath: values["query.active-query-path"],
    slowQueryMs: values["query.log-queries-longer-than"],
    maxSamples: values["query.max-samples"],
    maxBytesPerQuery: values["query.max-bytes-per-query"],
    maxBytes: values["query.max-bytes"],
    tenancy: {
      header: values["query.tenant-header"],
      defaultTenant: values["query.default-tenant-id"],
      certificateField: values["query.tenant-certificate-field"],
      enforce: values["query.enforce-tenancy"],
      label: values["query.tenant-label-name"],
    },
    web: {
      routePrefix: cleanPrefix(values["web.route-prefix"] || externalPrefix),
      externalPrefix,
      prefixHeader: values["web.prefix-header"],
      disableCors: values["web.disable-cors"],
      queryUrl: values["alert.query-url"] || `http://localhost:${portOf(values["http-address"])}`,
    },
    durationBuckets: values["query.telemetry.request-duration-seconds-quantiles"],
    samplesBuckets: values["query.telemetry.request-samples-quantiles"],
    seriesBuckets: values["query.telemetry.request-series-seconds-quantiles"],
  };
}

function workerThreads(given: number): number {
  return given >= 0 ? given : Math.max(0, availableParallelism() - 1);
}

function frontendOptions(values: QueryFlagValues): InProcessOptions | null {
  const cache = parseCacheConfig(values["query.cache-config"].read());
  if (cache === null) return null;
  const splitMs = values["query.cache-split-interval"];
  if (splitMs <= 0) {
    throw new AppError("APP_CONFIG", "--query.cache-split-interval must be above 0 with a cache");
  }
  return {
    cache,
    splitMs,
    freshnessMs: values["query.cache-max-freshness"],
    compressCache: values["query.cache-compression-type"] === "snappy",
  };
}

/** Reads the files that flags name. Throws APP_CONFIG. */
export function queryOptions(values: QueryFlagValues): QueryOptions {
  const sdConfig = values["endpoint.sd-config"];
  return {
    ...apiOptions(values),
    http: httpOptions(values),
    grpc: grpcServerOptions(values),
    grpcClient: {
      secure: values["grpc-client-tls-secure"],
      skipVerify: values["grpc-client-tls-skip-verify"],
      certFile: values["grpc-client-tls-cert"],
      keyFile: values["grpc-client-tls-key"],
      caFile: values["grpc-client-tls-ca"],
      serverName: values["grpc-client-server-name"],
      compression: values["grpc-compression"],
      minVersion: values["grpc-client-tls-min-version"],
    },
    mode: values["query.mode"],
    distributed: {
      partitionLabels: values["query.partition-label"],
      overlapping: values["query.distributed-with-overlapping-interval"],
    },
    workerThreads: workerThreads(values["query.worker-threads"]),
    frontend: frontendOptions(values),
    dedupFunc: values["deduplication.func"],
    selectorLabels: parseExternalLabels(values["selector-label"]),
    selectorRelabelConfig: values["selector.relabel-config"].read(),
    requestLoggingConfig: values["request.logging-config"].read(),
    limits: {
      series: values["store.limits.request-series"],
      samples: values["store.limits.request-samples"],
    },
    storeTimeoutMs: values["store.response-timeout"],
    proxyStrategy: values["grpc.proxy-strategy"],
    lazyBufferedFrames: values["query.lazy-retrieval-max-buffered-responses"],
    connectionMetricLabels: values["query.conn-metric.label"],
    endpoints: {
      addresses: values.endpoint,
      groups: values["endpoint-group"],
      strict: values["endpoint-strict"],
      groupsStrict: values["endpoint-group-strict"],
      infoTimeoutMs: values["endpoint.info-timeout"],
      unhealthyTimeoutMs: values["store.unhealthy-timeout"],
      dnsIntervalMs: values["store.sd-dns-interval"],
      sdFiles: values["store.sd-files"],
      sdIntervalMs: values["store.sd-interval"],
      sdConfigFile: sdConfig.path,
      sdConfig: sdConfig.read(),
      sdConfigReloadMs: values["endpoint.sd-config-reload-interval"],
    },
  };
}
