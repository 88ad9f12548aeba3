// Settings of S3, as in Thanos' `--objstore.config`.
import { readFileSync } from "node:fs";
import { ConfigReader } from "../config/config-reader.ts";
import { ObjstoreError } from "../errors.ts";
import { type HttpConfig, readHttpConfig } from "../http/http-config.ts";

/** Encryption at rest that is asked for with each request. */
export type S3Encryption =
  | { readonly kind: "none" }
  | { readonly kind: "s3" }
  | {
      readonly kind: "kms";
      readonly keyId: string;
      readonly context: Readonly<Record<string, string>>;
    }
  | { readonly kind: "customer"; readonly key: Buffer };

/** Where credentials come from. */
export type S3Credentials =
  | {
      readonly kind: "static";
      readonly id: string;
      readonly secret: string;
      readonly token: string;
    }
  | { readonly kind: "chain"; readonly stsEndpoint: string };

export interface S3Options {
  /** For messages and metrics. */
  readonly name: string;
  readonly bucket: string;
  /** URL, or "" for Amazon's own endpoints. */
  readonly endpoint: string;
  /** True where `endpoint` already names the bucket. */
  readonly endpointIsBucket: boolean;
  /** "" is found out where the store tells it. */
  readonly region: string;
  readonly dualstack: boolean;
  readonly credentials: S3Credentials;
  readonly signatureV2: boolean;
  readonly pathStyle: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly listVersion: 1 | 2;
  readonly sendContentMd5: boolean;
  readonly multipart: boolean;
  readonly partBytes: number;
  readonly encryption: S3Encryption;
  readonly attemptsMax: number;
  /** Whether the store takes `If-None-Match: *` on uploads and is known to keep it. */
  readonly conditionalCreate: boolean;
  readonly trace: boolean;
  readonly http: HttpConfig;
}

export const partBytesDefault = 64 << 20;
/** S3 refuses smaller parts, except for the last. */
const partBytesMin = 5 << 20;

function wrong(message: string): never {
  throw new ObjstoreError("OBJSTORE_CONFIG", message);
}

/** Checks the `config` of type S3. Throws OBJSTORE_CONFIG. */
export function readS3Config(fields: Readonly<Record<string, unknown>>): S3Options {
  const config = new ConfigReader(fields, "S3 configuration");
  const endpoint = config.text("endpoint").replace(/^https?:\/\//, "");
  if (endpoint === "") wrong("no s3 endpoint in config file");
  const host = endpoint.split(":")[0]!.toLowerCase();
  const amazon = /(^|\.)amazonaws\.com(\.cn)?$/.test(host);
  const insecure = config.flag("insecure", false);
  const metadata = { ...config.texts("put_user_metadata") };
  let storageClass = "";
  for (const key of Object.keys(metadata)) {
    if (key.toLowerCase() !== "x-amz-storage-class") continue;
    storageClass = metadata[key]!;
    delete metadata[key];
  }
  const listVersion = config.text("list_objects_version");
  if (!["", "v1", "v2"].includes(listVersion))
    wrong(`list_objects_version ${listVersion} is not supported; v1 and v2 are`);
  const trace = config.section("trace");
  const options: S3Options = {
    name: config.text("bucket"),
    bucket: config.required("bucket"),
    endpoint: amazon && !insecure ? "" : `${insecure ? "http" : "https"}://${endpoint}`,
    endpointIsBucket: false,
    region: config.text("region") || (amazon ? amazonRegion(host) : ""),
    dualstack: !config.flag("disable_dualstack", false) && amazon,
    credentials: readCredentials(config),
    signatureV2: config.flag("signature_version2", false),
    pathStyle: pathStyle(config.text("bucket_lookup_type", "auto"), host),
    metadata,
    storageClass,
    listVersion: listVersion === "v1" ? 1 : 2,
    sendContentMd5: config.flag("send_content_md5", true),
    multipart: !config.flag("disable_multipart", false),
    partBytes: Math.max(
      partBytesMin,
      config.count("part_size", partBytesDefault) || partBytesDefault,
    ),
    encryption: readEncryption(config.section("sse_config")),
    attemptsMax: config.count("max_retries", 0) || 10,
    conditionalCreate: amazon,
    trace: trace.flag("enable", false),
    http: readHttpConfig(config),
  };
  trace.noOthers();
  config.noOthers();
  return options;
}

function amazonRegion(host: string): string {
  const found = /^s3[.-](?:dualstack\.)?([a-z]{2}[a-z0-9-]*-\d)\.amazonaws\.com/.exec(host);
  return found?.[1] ?? "";
}

function pathStyle(lookup: string, host: string): boolean {
  switch (lookup) {
    case "path":
      return true;
    case "virtual-hosted":
      return false;
    case "auto":
    case "":
      return !/(^|\.)(amazonaws\.com(\.cn)?|googleapis\.com|aliyuncs\.com)$/.test(host);
    default:
      return wrong(
        `bucket_lookup_type ${lookup} is not supported; auto, virtual-hosted and path are`,
      );
  }
}

function readCredentials(config: ConfigReader): S3Credentials {
  const sdk = config.flag("aws_sdk_auth", false);
  const id = config.text("access_key");
  const secret = config.text("secret_key");
  const token = config.text("session_token");
  const stsEndpoint = config.text("sts_endpoint");
  if (sdk && id !== "") wrong("aws_sdk_auth and access_key are mutually exclusive configurations");
  if ((id === "") !== (secret === "")) {
    const [given, missing] =
      id === "" ? ["secret_key", "access_key"] : ["access_key", "secret_key"];
    wrong(
      `no s3 ${missing} specified while ${given} is present in config file; give both, or none to use the environment, the shared credentials file or the machine's role`,
    );
  }
  return id === "" ? { kind: "chain", stsEndpoint } : { kind: "static", id, secret, token };
}

function readEncryption(sse: ConfigReader): S3Encryption {
  const type = sse.text("type");
  const keyId = sse.text("kms_key_id");
  const context = sse.texts("kms_encryption_context");
  const keyFile = sse.text("encryption_key");
  sse.noOthers();
  switch (type) {
    case "":
      return { kind: "none" };
    case "SSE-S3":
      return { kind: "s3" };
    case "SSE-KMS":
      if (keyId === "") wrong("kms_key_id must be set if sse_config.type is set to 'SSE-KMS'");
      return { kind: "kms", keyId, context };
    case "SSE-C": {
      if (keyFile === "") wrong("encryption_key must be set if sse_config.type is set to 'SSE-C'");
      let key: Buffer;
      try {
        key = readFileSync(keyFile);
      } catch (cause) {
        throw new ObjstoreError(
          "OBJSTORE_CONFIG",
          `sse_config.encryption_key: cannot read ${keyFile}`,
          {},
          { cause },
        );
      }
      if (key.length !== 32) wrong("sse_config.encryption_key: the file must hold 32 bytes");
      return { kind: "customer", key };
    }
    default:
      return wrong(`sse_config.type ${type} is not supported; SSE-S3, SSE-KMS and SSE-C are`);
  }
}
