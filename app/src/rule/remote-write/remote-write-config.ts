// `--remote-write.config`: Prometheus' list of remote_write sections.
import { createHash } from "node:crypto";
import { AppError } from "../../errors.ts";
import type { HttpClientOptions } from "../../prometheus/http-client.ts";
import { parseHttpClientConfig } from "../../prometheus/http-client-config.ts";
import { parseRelabel, type RelabelRule } from "../../receive/relabel.ts";
import {
  booleanField,
  durationField,
  fieldsOf,
  integerField,
  listField,
  textField,
  type YamlFields,
} from "../clients/yaml-fields.ts";

export interface QueueConfig {
  readonly shardsMin: number;
  readonly shardsMax: number;
  readonly samplesPerSendMax: number;
  /** A batch that is not full goes after so long, ms. */
  readonly batchDeadlineMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly retryOn429: boolean;
  /** Samples older than this are not sent, ms; 0 sends all. */
  readonly sampleAgeMaxMs: number;
}

export interface RemoteWriteTarget {
  /** Name in metrics. */
  readonly name: string;
  readonly url: URL;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly relabel: readonly RelabelRule[];
  readonly sendNativeHistograms: boolean;
  readonly client: HttpClientOptions;
  readonly queue: QueueConfig;
}

/** Prometheus' defaults. */
export const queueDefaults: QueueConfig = {
  shardsMin: 1,
  shardsMax: 50,
  samplesPerSendMax: 2000,
  batchDeadlineMs: 5000,
  backoffMinMs: 30,
  backoffMaxMs: 5000,
  retryOn429: false,
  sampleAgeMaxMs: 0,
};

const sections = ["remote_write", "global"];
const plainKeys = [
  "url",
  "remote_timeout",
  "headers",
  "write_relabel_configs",
  "name",
  "send_exemplars",
  "send_native_histograms",
  "round_robin_dns",
  "protobuf_message",
  "basic_auth",
  "authorization",
  "bearer_token",
  "bearer_token_file",
  "tls_config",
  "follow_redirects",
  "enable_http2",
  "queue_config",
  "metadata_config",
];
/** What would change who is asked, or how: leaving it out silently would send data astray. */
const unsupported = [
  "oauth2",
  "sigv4",
  "azuread",
  "google_iam",
  "proxy_url",
  "no_proxy",
  "proxy_from_environment",
  "proxy_connect_header",
  "http_headers",
];
const queueKeys = [
  "capacity",
  "max_shards",
  "min_shards",
  "max_samples_per_send",
  "batch_send_deadline",
  "min_backoff",
  "max_backoff",
  "retry_on_http_429",
  "sample_age_limit",
];
const tlsKeys = ["ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify"];

function queueOf(value: unknown, where: string): QueueConfig {
  const fields = fieldsOf(value, where, queueKeys);
  const d = queueDefaults;
  const integer = (key: string, fallback: number): number =>
    integerField(fields[key], `${where}.${key}`, fallback, 1);
  const duration = (key: string, fallback: number): number =>
    durationField(fields[key], `${where}.${key}`, fallback);
  const shardsMax = integer("max_shards", d.shardsMax);
  return {
    shardsMax,
    shardsMin: Math.min(shardsMax, integer("min_shards", d.shardsMin)),
    samplesPerSendMax: integer("max_samples_per_send", d.samplesPerSendMax),
    batchDeadlineMs: duration("batch_send_deadline", d.batchDeadlineMs),
    backoffMinMs: duration("min_backoff", d.backoffMinMs),
    backoffMaxMs: duration("max_backoff", d.backoffMaxMs),
    retryOn429: booleanField(fields.retry_on_http_429, `${where}.retry_on_http_429`, d.retryOn429),
    sampleAgeMaxMs: duration("sample_age_limit", d.sampleAgeMaxMs),
  };
}

/** The client's part, in the words of `http_config`. */
function clientOf(fields: YamlFields, where: string, userAgent: string): HttpClientOptions {
  const authorization = fieldsOf(fields.authorization, `${where}.authorization`, [
    "type",
    "credentials",
    "credentials_file",
  ]);
  const type = textField(authorization.type, `${where}.authorization.type`, "Bearer");
  if (type.toLowerCase() !== "bearer") {
    const text = `${where}.authorization: type ${JSON.stringify(type)} is not supported, only Bearer`;
    throw new AppError("APP_CONFIG", text);
  }
  // Its other keys only narrow which versions of TLS are spoken.
  const tls = fields.tls_config as YamlFields | null | undefined;
  const known = Object.entries(tls ?? {}).filter(([key]) => tlsKeys.includes(key));
  const section = {
    basic_auth: fields.basic_auth,
    bearer_token: fields.bearer_token ?? authorization.credentials,
    bearer_token_file: fields.bearer_token_file ?? authorization.credentials_file,
    tls_config: Object.fromEntries(known),
  };
  return parseHttpClientConfig(JSON.stringify(section), userAgent);
}

function headersOf(value: unknown, where: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new AppError("APP_CONFIG", `${where}: must be a mapping`);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [name, textField(text, `${where}.${name}`)]),
  );
}

function targetOf(item: unknown, where: string, userAgent: string): RemoteWriteTarget {
  const fields = fieldsOf(item, where, [...plainKeys, ...unsupported]);
  for (const key of unsupported) {
    if (fields[key] !== undefined && fields[key] !== null) {
      throw new AppError("APP_CONFIG", `${where}: ${key} is not part of this version`);
    }
  }
  const message = textField(
    fields.protobuf_message,
    `${where}.protobuf_message`,
    "prometheus.WriteRequest",
  );
  if (message !== "prometheus.WriteRequest") {
    const text = `${where}: protobuf_message ${JSON.stringify(message)} is not part of this version, only prometheus.WriteRequest`;
    throw new AppError("APP_CONFIG", text);
  }
  const address = textField(fields.url, `${where}.url`);
  if (address === "") throw new AppError("APP_CONFIG", `${where}: url for remote_write is empty`);
  if (!URL.canParse(address)) {
    throw new AppError("APP_CONFIG", `${where}: ${JSON.stringify(address)} is not a URL`);
  }
  const hash = createHash("md5").update(JSON.stringify(item)).digest("hex").slice(0, 6);
  const relabel = fields.write_relabel_configs ?? null;
  return {
    name: textField(fields.name, `${where}.name`) || hash,
    url: new URL(address),
    timeoutMs: durationField(fields.remote_timeout, `${where}.remote_timeout`, 30_000),
    headers: headersOf(fields.headers, `${where}.headers`),
    relabel: relabel === null ? [] : parseRelabel(JSON.stringify(relabel)),
    sendNativeHistograms: booleanField(
      fields.send_native_histograms,
      `${where}.send_native_histograms`,
      false,
    ),
    client: clientOf(fields, where, userAgent),
    queue: queueOf(fields.queue_config, `${where}.queue_config`),
  };
}

/** Parses the document. Throws APP_CONFIG. */
export function parseRemoteWrite(document: unknown, userAgent: string): RemoteWriteTarget[] {
  const top = fieldsOf(document, "remote write configuration", sections);
  const targets = listField(top.remote_write, "remote_write").map((item, i) =>
    targetOf(item, `remote_write[${i}]`, userAgent),
  );
  const names = new Set<string>();
  for (const { name } of targets) {
    if (names.has(name)) {
      throw new AppError(
        "APP_CONFIG",
        `found multiple remote write configs with job name ${JSON.stringify(name)}`,
      );
    }
    names.add(name);
  }
  return targets;
}
