// Options of the sidecar, from its flags.
import type { ConfigText } from "../flags/config-text.ts";
import type { TimeOrDuration } from "../flags/time-or-duration.ts";
import {
  type GrpcServerOptions,
  grpcServerOptions,
  type HttpOptions,
  httpOptions,
  type SeriesLimits,
} from "../process/service-options.ts";
import type { SidecarFlagValues } from "./flags.ts";

export interface SidecarOptions {
  readonly http: HttpOptions;
  readonly grpc: GrpcServerOptions;
  readonly prometheus: {
    readonly url: string;
    /** Text of the HTTP client's configuration (YAML); "" for defaults. */
    readonly httpClientConfig: string;
    readonly readyTimeoutMs: number;
    readonly getConfigIntervalMs: number;
    readonly getConfigTimeoutMs: number;
  };
  readonly tsdbPath: string;
  /** Text of the bucket's configuration; "" uploads nothing. */
  readonly bucketConfig: string;
  /** Where that text came from. */
  readonly bucketConfigSource: ConfigText;
  readonly reloader: {
    readonly configFile: string;
    readonly configEnvsubstFile: string;
    readonly ruleDirs: readonly string[];
    readonly watchIntervalMs: number;
    readonly retryIntervalMs: number;
    readonly method: "http" | "signal";
    readonly processName: string;
  };
  readonly shipper: {
    readonly uploadCompacted: boolean;
    readonly ignoreUnequalBlockSize: boolean;
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
    readonly hashFunc: "" | "SHA256";
    readonly metaFileName: string;
    readonly uploadConcurrency: number;
  };
  readonly minTime: TimeOrDuration;
  readonly requestLoggingConfig: string;
  readonly limits: SeriesLimits;
}

/** Reads the files that flags name. Throws APP_CONFIG. */
export function sidecarOptions(values: SidecarFlagValues): SidecarOptions {
  return {
    http: httpOptions(values),
    grpc: grpcServerOptions(values),
    prometheus: {
      url: values["prometheus.url"],
      httpClientConfig: values["prometheus.http-client"].read(),
      readyTimeoutMs: values["prometheus.ready_timeout"],
      getConfigIntervalMs: values["prometheus.get_config_interval"],
      getConfigTimeoutMs: values["prometheus.get_config_timeout"],
    },
    tsdbPath: values["tsdb.path"],
    bucketConfig: values["objstore.config"].read(),
    bucketConfigSource: values["objstore.config"],
    reloader: {
      configFile: values["reloader.config-file"],
      configEnvsubstFile: values["reloader.config-envsubst-file"],
      ruleDirs: values["reloader.rule-dir"],
      watchIntervalMs: values["reloader.watch-interval"],
      retryIntervalMs: values["reloader.retry-interval"],
      method: values["reloader.method"],
      processName: values["reloader.process-name"],
    },
    shipper: {
      uploadCompacted: values["shipper.upload-compacted"],
      ignoreUnequalBlockSize: values["shipper.ignore-unequal-block-size"],
      allowOutOfOrderUploads: values["shipper.allow-out-of-order-uploads"],
      skipCorruptedBlocks: values["shipper.skip-corrupted-blocks"],
      hashFunc: values["hash-func"],
      metaFileName: values["shipper.meta-file-name"],
      uploadConcurrency: values["shipper.upload-concurrency"],
    },
    minTime: values["min-time"],
    requestLoggingConfig: values["request.logging-config"].read(),
    limits: {
      series: values["store.limits.request-series"],
      samples: values["store.limits.request-samples"],
    },
  };
}
