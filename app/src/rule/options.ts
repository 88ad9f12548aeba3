// Options of the ruler, from its flags.
import type { Labels } from "@deucalion/model";
import { type LiveDatabaseOptions, liveDatabaseDefaults } from "@deucalion/tsdb";
import { AppError } from "../errors.ts";
import type { ConfigText } from "../flags/config-text.ts";
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  type GrpcServerOptions,
  grpcServerOptions,
  type HttpOptions,
  httpOptions,
  parseExternalLabels,
  type SeriesLimits,
} from "../process/service-options.ts";
import { cleanPrefix } from "../query/options.ts";
import type { ruleFlags } from "./flags.ts";

export interface RuleOptions {
  readonly http: HttpOptions;
  readonly grpc: GrpcServerOptions;
  readonly web: {
    readonly routePrefix: string;
    readonly externalPrefix: string;
    readonly prefixHeader: string;
    readonly disableCors: boolean;
  };
  readonly query: {
    readonly addresses: readonly string[];
    /** Text of the configuration (YAML); "" for none. */
    readonly config: string;
    readonly sdFiles: readonly string[];
    readonly sdIntervalMs: number;
    readonly dnsIntervalMs: number;
    readonly method: "GET" | "POST";
    readonly prometheusParams: boolean;
    readonly grpcEndpoints: readonly string[];
    readonly xFunctions: boolean;
    readonly experimentalFunctions: boolean;
  };
  readonly alertmanagers: {
    readonly urls: readonly string[];
    /** Text of the configuration (YAML); "" for none. */
    readonly config: string;
    readonly timeoutMs: number;
    readonly dnsIntervalMs: number;
  };
  readonly alert: {
    readonly queryUrl: string;
    /** Go template of the path of links. */
    readonly queryTemplate: string;
    readonly labelDrop: readonly string[];
    /** Text of relabelling rules (YAML). */
    readonly relabelConfig: string;
  };
  readonly rules: {
    /** Globs. */
    readonly files: readonly string[];
    readonly intervalMs: number;
    readonly queryOffsetMs: number;
    readonly resendDelayMs: number;
    readonly outageToleranceMs: number;
    readonly gracePeriodMs: number;
    readonly concurrentEvaluations: number;
    readonly restoreIgnoredLabels: readonly string[];
  };
  readonly labels: Labels;
  readonly dataDir: string;
  readonly database: LiveDatabaseOptions;
  /** Text of the remote-write configuration (YAML); "" keeps samples in a database of the ruler's own. */
  readonly remoteWriteConfig: string;
  /** Text of the bucket's configuration; "" uploads nothing. */
  readonly bucketConfig: string;
  /** Where that text came from: a file is read again when it changes. */
  readonly bucketConfigSource?: ConfigText;
  readonly shipper: {
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
    readonly hash: boolean;
    readonly metaFileName: string;
    readonly filesAtOnce: number;
  };
  readonly requestLoggingConfig: string;
  readonly limits: SeriesLimits;
}

type RuleFlagValues = FlagValues<typeof ruleFlags>;

function fail(text: string): never {
  throw new AppError("APP_CONFIG", text);
}

function queryOptions(values: RuleFlagValues): RuleOptions["query"] {
  const addresses = values.query;
  const seen = new Set<string>();
  for (const address of addresses) {
    if (seen.has(address)) fail(`Address ${address} is duplicated for --query flag.`);
    seen.add(address);
  }
  const config = values["query.config"].read();
  const sdFiles = values["query.sd-files"];
  const grpcEndpoints = values["grpc-query-endpoint"];
  const flags = addresses.length + sdFiles.length + grpcEndpoints.length > 0;
  if (!flags && config === "") fail("no query configuration parameter was given");
  if (flags && config !== "") {
    fail(
      "--query/--query.sd-files/--grpc-query-endpoint and --query.config* parameters cannot be defined at the same time",
    );
  }
  const features = values["enable-feature"].flatMap((text) => text.split(","));
  return {
    addresses,
    config,
    sdFiles,
    sdIntervalMs: values["query.sd-interval"],
    dnsIntervalMs: values["query.sd-dns-interval"],
    method: values["query.http-method"],
    prometheusParams: values["query.only-prometheus-params"],
    grpcEndpoints,
    xFunctions: values["query.enable-x-functions"],
    experimentalFunctions: features.includes("promql-experimental-functions"),
  };
}

function alertmanagerOptions(values: RuleFlagValues): RuleOptions["alertmanagers"] {
  const config = values["alertmanagers.config"].read();
  const urls = values["alertmanagers.url"];
  if (config !== "" && urls.length > 0) {
    fail(
      "--alertmanagers.url and --alertmanagers.config* parameters cannot be defined at the same time",
    );
  }
  return {
    urls,
    config,
    timeoutMs: values["alertmanagers.send-timeout"],
    dnsIntervalMs: values["alertmanagers.sd-dns-interval"],
  };
}

/** Reads the files that flags name. Throws APP_CONFIG. */
export function ruleOptions(values: RuleFlagValues): RuleOptions {
  const externalPrefix = cleanPrefix(values["web.external-prefix"]);
  return {
    http: httpOptions(values),
    grpc: grpcServerOptions(values),
    web: {
      routePrefix: cleanPrefix(values["web.route-prefix"] || externalPrefix),
      externalPrefix,
      prefixHeader: values["web.prefix-header"],
      disableCors: values["web.disable-cors"],
    },
    query: queryOptions(values),
    alertmanagers: alertmanagerOptions(values),
    alert: {
      queryUrl: values["alert.query-url"],
      queryTemplate: values["alert.query-template"],
      labelDrop: values["alert.label-drop"],
      relabelConfig: values["alert.relabel-config"].read(),
    },
    rules: {
      files: values["rule-file"],
      intervalMs: values["eval-interval"],
      queryOffsetMs: values["rule-query-offset"],
      resendDelayMs: values["resend-delay"],
      outageToleranceMs: values["for-outage-tolerance"],
      gracePeriodMs: values["for-grace-period"],
      concurrentEvaluations: Math.max(1, values["rule-concurrent-evaluation"]),
      restoreIgnoredLabels: values["restore-ignored-label"],
    },
    labels: parseExternalLabels(values.label),
    dataDir: values["data-dir"],
    database: {
      ...liveDatabaseDefaults,
      chunkRangeMs: values["tsdb.block-duration"],
      retentionMs: values["tsdb.retention"],
      walCompression: values["tsdb.wal-compression"],
    },
    remoteWriteConfig: values["remote-write.config"].read(),
    bucketConfig: values["objstore.config"].read(),
    bucketConfigSource: values["objstore.config"],
    shipper: {
      allowOutOfOrderUploads: values["shipper.allow-out-of-order-uploads"],
      skipCorruptedBlocks: values["shipper.skip-corrupted-blocks"],
      hash: values["hash-func"] === "SHA256",
      metaFileName: values["shipper.meta-file-name"],
      filesAtOnce: Math.max(1, values["shipper.upload-concurrency"]),
    },
    requestLoggingConfig: values["request.logging-config"].read(),
    limits: {
      series: values["store.limits.request-series"],
      samples: values["store.limits.request-samples"],
    },
  };
}
