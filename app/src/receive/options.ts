// Options of the receiver, from its flags.

import type { Labels } from "@deucalion/model";
import type { ClientTls } from "@deucalion/rpc";
import { type LiveDatabaseOptions, liveDatabaseDefaults } from "@deucalion/tsdb";
import { AppError } from "../errors.ts";
import type { ConfigText } from "../flags/config-text.ts";
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  type GrpcServerOptions,
  type GrpcTlsOptions,
  grpcServerOptions,
  type HttpOptions,
  httpOptions,
  parseExternalLabels,
  type SeriesLimits,
} from "../process/service-options.ts";
import { tlsVersion } from "../process/tls-names.ts";
import { capnprotoAddressDefault, type receiveFlags } from "./flags.ts";
import type { ReplicationProtocol } from "./ring/peers.ts";
import type { ReceiverMode } from "./ring/replicator.ts";

export interface ReceiveOptions {
  readonly http: HttpOptions;
  readonly grpc: GrpcServerOptions;
  readonly write: {
    readonly address: string;
    readonly tls: GrpcTlsOptions | null;
    readonly tenantHeader: string;
    readonly replicaHeader: string;
    readonly defaultTenant: string;
    readonly certificateField: "" | "organization" | "organizationalUnit" | "commonName";
    readonly splitTenantLabel: string;
    readonly tenantLabel: string;
    readonly artificialDelayMs: number;
  };
  readonly forward: {
    readonly tls: ClientTls | null;
    readonly compression: "snappy" | "none";
    readonly workers: number;
    readonly timeoutMs: number;
    readonly backoffMaxMs: number;
    readonly protocol: ReplicationProtocol;
  };
  readonly capnproto: {
    readonly address: string;
    /** The process goes on without it where the address is taken. */
    readonly optional: boolean;
  };
  readonly mode: ReceiverMode;
  readonly hashrings: {
    readonly file: string;
    readonly content: string;
    readonly algorithm: "hashmod" | "ketama";
    readonly refreshMs: number;
    readonly localEndpoint: string;
    readonly replicationFactor: number;
  };
  readonly tsdbPath: string;
  readonly labels: Labels;
  /** Text of the bucket's configuration; "" uploads nothing. */
  readonly bucketConfig: string;
  /** Where that text came from: a file is read again when it changes. */
  readonly bucketConfigSource?: ConfigText;
  readonly database: LiveDatabaseOptions;
  readonly futureWindowMs: number;
  /** Bytes on disk for receivers that are away; 0 keeps nothing for them. */
  readonly handoffBytesMax: number;
  readonly shipper: {
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
    readonly hash: boolean;
    readonly filesAtOnce: number;
  };
  /** Text of relabelling rules (YAML). */
  readonly relabelConfig: string;
  /** Reads the text of the limits anew. */
  readonly readLimits: () => string;
  readonly limitsReloadMs: number;
  readonly otlp: { readonly targetInfo: boolean; readonly promoted: readonly string[] };
  readonly batchesAhead: number;
  readonly requestLoggingConfig: string;
  readonly limits: SeriesLimits;
}

/** Samples of an open out-of-order chunk unless told otherwise. */
const outOfOrderMaxDefault = 32;

function writeTls(values: FlagValues<typeof receiveFlags>): GrpcTlsOptions | null {
  const certFile = values["remote-write.server-tls-cert"];
  const keyFile = values["remote-write.server-tls-key"];
  const clientCaFile = values["remote-write.server-tls-client-ca"];
  if ((certFile === "") !== (keyFile === "")) {
    throw new AppError("APP_CONFIG", "both server key and certificate must be provided");
  }
  if (certFile === "" && clientCaFile !== "") {
    throw new AppError(
      "APP_CONFIG",
      "when a client CA is used a server key and certificate must also be provided",
    );
  }
  if (certFile === "") return null;
  return {
    certFile,
    keyFile,
    clientCaFile,
    minVersion: values["remote-write.server-tls-min-version"],
    ciphers: values["remote-write.server-tls-ciphers"],
    curves: values["remote-write.server-tls-curves"],
  };
}

function clientTls(values: FlagValues<typeof receiveFlags>): ClientTls | null {
  const given =
    values["remote-write.client-tls-secure"] ||
    values["remote-write.client-tls-skip-verify"] ||
    values["remote-write.client-tls-ca"] !== "" ||
    values["remote-write.client-tls-cert"] !== "";
  if (!given) return null;
  return {
    caFile: values["remote-write.client-tls-ca"],
    certFile: values["remote-write.client-tls-cert"],
    keyFile: values["remote-write.client-tls-key"],
    serverName: values["remote-write.client-server-name"],
    insecureSkipVerify: values["remote-write.client-tls-skip-verify"],
    minVersion: tlsVersion(
      values["remote-write.client-tls-min-version"],
    ) as ClientTls["minVersion"],
  };
}

/** Reads the files that flags name. Throws APP_CONFIG. */
export function receiveOptions(values: FlagValues<typeof receiveFlags>): ReceiveOptions {
  const file = values["receive.hashrings-file"];
  const content = values["receive.hashrings"];
  const localEndpoint = values["receive.local-endpoint"];
  const routes = file !== "" || content !== "";
  const protocol = values["receive.replication-protocol"];
  const capnprotoAddress = values["receive.capnproto-address"];
  const minBlockMs = values["tsdb.min-block-duration"];
  const maxBlockMs = values["tsdb.max-block-duration"];
  if (minBlockMs !== maxBlockMs && values["objstore.config"].read() !== "") {
    throw new AppError(
      "APP_CONFIG",
      "found that TSDB Max time is different from Min time; compaction needs to be disabled (tsdb.min-block-duration = tsdb.max-block-duration)",
    );
  }
  const outOfOrderMax = values["tsdb.out-of-order.cap-max"];
  const limitsConfig = values["receive.limits-config"];
  return {
    http: httpOptions(values),
    grpc: grpcServerOptions(values),
    write: {
      address: values["remote-write.address"],
      tls: writeTls(values),
      tenantHeader: values["receive.tenant-header"],
      replicaHeader: values["receive.replica-header"],
      defaultTenant: values["receive.default-tenant-id"],
      certificateField: values["receive.tenant-certificate-field"],
      splitTenantLabel: values["receive.split-tenant-label-name"],
      tenantLabel: values["receive.tenant-label-name"],
      artificialDelayMs: values["receive.artificial-max-delay"],
    },
    forward: {
      tls: clientTls(values),
      compression: values["receive.grpc-compression"],
      workers: Math.max(1, values["receive.forward.async-workers"]),
      timeoutMs: values["receive-forward-timeout"],
      backoffMaxMs: values["receive-forward-max-backoff"],
      protocol,
    },
    capnproto: {
      address: capnprotoAddress,
      // Nobody asked for it: several receivers on one machine would all want the same port.
      optional: protocol === "protobuf" && capnprotoAddress === capnprotoAddressDefault,
    },
    mode: !routes ? "IngestorOnly" : localEndpoint === "" ? "RouterOnly" : "RouterIngestor",
    hashrings: {
      file,
      content,
      algorithm: values["receive.hashrings-algorithm"],
      refreshMs: values["receive.hashrings-file-refresh-interval"],
      localEndpoint,
      replicationFactor: Math.max(1, values["receive.replication-factor"]),
    },
    tsdbPath: values["tsdb.path"],
    labels: parseExternalLabels(values.label),
    bucketConfig: values["objstore.config"].read(),
    bucketConfigSource: values["objstore.config"],
    database: {
      ...liveDatabaseDefaults,
      chunkRangeMs: maxBlockMs,
      outOfOrderWindowMs: values["tsdb.out-of-order.time-window"],
      outOfOrderMax: outOfOrderMax > 0 ? outOfOrderMax : outOfOrderMaxDefault,
      exemplarsMax: values["tsdb.max-exemplars"],
      walCompression: values["tsdb.wal-compression"],
      memorySnapshot: values["tsdb.memory-snapshot-on-shutdown"],
      startTimes: values["enable-feature"].includes("st-storage"),
      retentionMs: values["tsdb.retention"],
      retentionBytes: values["tsdb.max-retention-bytes"],
    },
    futureWindowMs: values["tsdb.too-far-in-future.time-window"],
    handoffBytesMax: values["receive.handoff-max-bytes"],
    shipper: {
      allowOutOfOrderUploads: values["shipper.allow-out-of-order-uploads"],
      skipCorruptedBlocks: values["shipper.skip-corrupted-blocks"],
      hash: values["hash-func"] === "SHA256",
      filesAtOnce: Math.max(1, values["shipper.upload-concurrency"]),
    },
    relabelConfig: values["receive.relabel-config"].read(),
    readLimits: () => limitsConfig.read(),
    limitsReloadMs: values["receive.limits-config-reload-timer"],
    otlp: {
      targetInfo: values["receive.otlp-enable-target-info"],
      promoted: values["receive.otlp-promote-resource-attributes"],
    },
    batchesAhead: values["receive.lazy-retrieval-max-buffered-responses"],
    requestLoggingConfig: values["request.logging-config"].read(),
    limits: {
      series: values["store.limits.request-series"],
      samples: values["store.limits.request-samples"],
    },
  };
}
