// Settings of Oracle's object storage.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigReader } from "../config/config-reader.ts";
import { ObjstoreError } from "../errors.ts";
import { type HttpConfig, readHttpConfig } from "../http/http-config.ts";
import type { InstancePrincipal, WorkloadPrincipal } from "./oci-principals.ts";

export interface OciKey {
  readonly kind: "key";
  /** `<tenancy>/<user>/<fingerprint>` */
  readonly keyId: string;
  /** PEM. */
  readonly privateKey: string;
  readonly passphrase: string;
}

export interface OciOptions {
  readonly bucket: string;
  readonly compartment: string;
  /** "" for that of the region in which the machine is. */
  readonly endpoint: string;
  readonly key: OciKey | InstancePrincipal | WorkloadPrincipal;
  readonly partBytes: number;
  readonly attemptsMax: number;
  readonly retryMs: number;
  readonly http: HttpConfig;
}

type Env = Readonly<Record<string, string | undefined>>;

const partBytesDefault = 128 << 20;
/** Parts are sent from memory. */
const partBytesMax = 128 << 20;

/** The section DEFAULT of Oracle's own configuration file. */
function readProfile(env: Env): ReadonlyMap<string, string> {
  const path = env.OCI_CONFIG_FILE ?? join(homedir(), ".oci", "config");
  if (!existsSync(path))
    throw new ObjstoreError("OBJSTORE_CONFIG", `provider default: ${path} does not exist`);
  const fields = new Map<string, string>();
  let section = "DEFAULT";
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const head = /^\s*\[(.+)\]\s*$/.exec(line);
    if (head !== null) section = head[1]!;
    const at = line.indexOf("=");
    if (section === "DEFAULT" && at > 0 && !line.trim().startsWith("#"))
      fields.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return fields;
}

/** Checks the `config` of type OCI. Throws OBJSTORE_CONFIG. */
export function readOciConfig(
  fields: Readonly<Record<string, unknown>>,
  env: Env = process.env,
): OciOptions {
  const config = new ConfigReader(fields, "OCI configuration");
  const provider = config.text("provider", "default").toLowerCase();
  const bucket = config.required("bucket");
  const compartment = config.required("compartment_ocid");
  const read = readers[provider];
  if (read === undefined) {
    throw new ObjstoreError("OBJSTORE_CONFIG", `provider ${provider} of OCI is not known`);
  }
  const { key, region } = read(config, env);
  const partBytes = config.count("part_size", 0) || partBytesDefault;
  return {
    bucket,
    compartment,
    endpoint: env.OCI_OBJECTSTORAGE_ENDPOINT ?? (region === "" ? "" : endpointOf(region)),
    key,
    partBytes: Math.min(partBytes, partBytesMax),
    attemptsMax: config.count("max_request_retries", 0) || 8,
    retryMs: (config.count("request_retry_interval", 0) || 1) * 1000,
    http: readHttpConfig(config, { tls: false }),
  };
}

/** Where objects of a region are. */
export function endpointOf(region: string): string {
  return `https://objectstorage.${region}.oraclecloud.com`;
}

interface Found {
  readonly key: OciOptions["key"];
  readonly region: string;
}

const readers: Readonly<Record<string, (config: ConfigReader, env: Env) => Found>> = {
  raw: fromConfig,
  default: fromProfile,
  "instance-principal": fromInstance,
  "oke-workload-identity": fromWorkload,
};

function fromInstance(_: ConfigReader, env: Env): Found {
  const metadataUrl = env.OCI_METADATA_BASE_URL || "http://169.254.169.254/opc/v2";
  const host = env.OCI_SDK_AUTH_CLIENT_REGION_URL ?? "";
  const authUrl = host === "" || host.includes("://") ? host : `https://${host}`;
  return { key: { kind: "instance", metadataUrl, authUrl }, region: "" };
}

const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

function fromWorkload(config: ConfigReader, env: Env): Found {
  const host = env.KUBERNETES_SERVICE_HOST ?? "";
  const caFile = env.OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH || `${accountFolder}/ca.crt`;
  const fail = (reason: string): never => {
    throw new ObjstoreError("OBJSTORE_CONFIG", `provider oke-workload-identity: ${reason}`);
  };
  if (host === "") fail("KUBERNETES_SERVICE_HOST is not set");
  if (!existsSync(caFile)) fail(`${caFile} does not exist`);
  const name = host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host;
  const url = `https://${name}:12250/resourcePrincipalSessionTokens`;
  const key = { kind: "workload" as const, url, caFile, tokenFile: `${accountFolder}/token` };
  return { key, region: config.required("region") };
}

function fromConfig(config: ConfigReader): Found {
  const tenancy = config.required("tenancy_ocid");
  const user = config.required("user_ocid");
  const fingerprint = config.required("fingerprint");
  const privateKey = config.required("privatekey");
  const passphrase = config.text("passphrase");
  const keyId = `${tenancy}/${user}/${fingerprint}`;
  return { key: { kind: "key", keyId, privateKey, passphrase }, region: config.required("region") };
}

function fromProfile(_: ConfigReader, env: Env): Found {
  const profile = readProfile(env);
  const field = (name: string): string => {
    const value = profile.get(name);
    if (value === undefined)
      throw new ObjstoreError("OBJSTORE_CONFIG", `provider default: ${name} is missing`);
    return value;
  };
  const keyFile = field("key_file").replace(/^~/, homedir());
  return {
    key: {
      kind: "key",
      keyId: `${field("tenancy")}/${field("user")}/${field("fingerprint")}`,
      privateKey: readFileSync(keyFile, "utf8"),
      passphrase: profile.get("pass_phrase") ?? "",
    },
    region: field("region"),
  };
}
