// The configuration of a bucket (`--objstore.config`), already read from YAML.
import type { Log } from "@deucalion/base";
import { AzureBucket } from "../azure/azure-bucket.ts";
import { readAzureConfig } from "../azure/azure-config.ts";
import type { Bucket } from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";
import { FilesystemBucket } from "../filesystem/filesystem-bucket.ts";
import { GcsBucket } from "../gcs/gcs-bucket.ts";
import { readGcsConfig } from "../gcs/gcs-config.ts";
import { OciBucket } from "../oci/oci-bucket.ts";
import { readOciConfig } from "../oci/oci-config.ts";
import { S3Bucket } from "../s3/s3-bucket.ts";
import {
  readAliyunConfig,
  readBosConfig,
  readCosConfig,
  readObsConfig,
} from "../s3/s3-compatible.ts";
import { readS3Config } from "../s3/s3-config.ts";
import { SwiftBucket } from "../swift/swift-bucket.ts";
import { readSwiftConfig } from "../swift/swift-config.ts";
import { type HedgingOptions, hedgedBucket, hedgingDefaults } from "../wrap/hedged-bucket.ts";
import { prefixedBucket } from "../wrap/prefixed-bucket.ts";

import { ConfigReader } from "./config-reader.ts";

export type BucketType =
  | "S3"
  | "GCS"
  | "AZURE"
  | "SWIFT"
  | "COS"
  | "ALIYUNOSS"
  | "FILESYSTEM"
  | "BOS"
  | "OBS"
  | "OCI";

const known: readonly BucketType[] = [
  "S3",
  "GCS",
  "AZURE",
  "SWIFT",
  "COS",
  "ALIYUNOSS",
  "FILESYSTEM",
  "BOS",
  "OBS",
  "OCI",
];

export interface BucketConfig {
  readonly type: BucketType;
  /** Settings of the provider, checked when it is opened. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Folder inside the bucket, "" for none. */
  readonly prefix: string;
  /** Second requests for slow reads; undefined for none. */
  readonly hedging?: HedgingOptions;
}

function configError(message: string, data: Record<string, unknown> = {}): ObjstoreError {
  return new ObjstoreError("OBJSTORE_CONFIG", message, data);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks a parsed YAML document. Unknown keys and types throw OBJSTORE_CONFIG, naming them. */
export function parseBucketConfig(document: unknown): BucketConfig {
  if (!isRecord(document)) throw configError("object store configuration must be a YAML map");
  for (const key of Object.keys(document)) {
    if (!["type", "config", "prefix", "hedging_config"].includes(key))
      throw configError(`unknown field in object store configuration: ${key}`, { key });
  }
  const type = document.type;
  if (typeof type !== "string" || type === "")
    throw configError("object store configuration has no type");
  const upper = type.toUpperCase() as BucketType;
  if (!known.includes(upper))
    throw configError(`bucket with type ${type} is not supported`, { type, known });
  const prefix = document.prefix ?? "";
  if (typeof prefix !== "string") throw configError("prefix must be a string");
  const config = document.config ?? {};
  if (!isRecord(config)) throw configError("config must be a map");
  const hedging = readHedging(document.hedging_config);
  return { type: upper, config, prefix, ...(hedging === undefined ? {} : { hedging }) };
}

function readHedging(section: unknown): HedgingOptions | undefined {
  const reader = new ConfigReader(section, "hedging_config");
  const enabled = reader.flag("enabled", false);
  const upTo = reader.count("up_to", hedgingDefaults.upTo);
  const quantile = Number(reader.text("quantile", String(hedgingDefaults.quantile)));
  reader.noOthers();
  if (!(quantile > 0 && quantile < 1))
    throw configError("hedging_config: quantile must lie between 0 and 1");
  return enabled && upTo > 1 ? { upTo, quantile } : undefined;
}

/** What an opened bucket may use. */
export interface OpenBucketDeps {
  /** Name of the component, for the user agent. */
  readonly component?: string;
  readonly log?: Log;
  /** Told of each second request for a slow read. */
  readonly hedged?: () => void;
}

/**
 * Opens the bucket of a configuration; it connects when it is first used. Throws OBJSTORE_CONFIG where settings are wrong
 * or a package is missing, saying what to install.
 */
export function openBucket(config: BucketConfig, deps: OpenBucketDeps = {}): Bucket {
  const bucket = open(config, deps);
  const { hedging } = config;
  const read = hedging && hedgedBucket(bucket, hedging, () => performance.now(), deps.hedged);
  return prefixedBucket(read ?? bucket, config.prefix);
}

function open({ type, config }: BucketConfig, deps: OpenBucketDeps): Bucket {
  switch (type) {
    case "FILESYSTEM": {
      const { directory } = config;
      if (typeof directory !== "string" || directory === "")
        throw configError("missing directory for filesystem bucket");
      return new FilesystemBucket(directory);
    }
    case "S3":
      return new S3Bucket(readS3Config(config), deps);
    case "COS":
      return new S3Bucket(readCosConfig(config), deps);
    case "ALIYUNOSS":
      return new S3Bucket(readAliyunConfig(config), deps);
    case "BOS":
      return new S3Bucket(readBosConfig(config), deps);
    case "OBS":
      return new S3Bucket(readObsConfig(config), deps);
    case "GCS":
      return new GcsBucket(readGcsConfig(config), deps.component);
    case "AZURE":
      return new AzureBucket(readAzureConfig(config), deps.component);
    case "SWIFT":
      return new SwiftBucket(readSwiftConfig(config), deps.component);
    case "OCI":
      return new OciBucket(readOciConfig(config), deps.component);
  }
}
