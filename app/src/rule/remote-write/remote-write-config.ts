// `--remote-write.config`: Prometheus' list of remote_write sections.
import { createHash } from "node:crypto";
import { AppError } from "../../errors.ts";
import type { HttpClientOptions } from "../../prometheus/http-client.ts";
import { proxyKeys } from "../../prometheus/proxy-config.ts";
import { parseRelabel, type RelabelRule } from "../../receive/relabel.ts";
import {
  booleanField,
  durationField,
  fieldsOf,
  listField,
  textField,
  type YamlFields,
} from "../clients/yaml-fields.ts";
import { type AuthConfig, authKeys, readAuth } from "./auth/auth-config.ts";
import { clientOf, proxyFields } from "./client-of.ts";
import { type HeaderValues, readHeaders } from "./header-config.ts";
import { type QueueConfig, readQueue } from "./queue-config.ts";
import { type WriteMessage, writeMessages } from "./write-message.ts";

export interface RemoteWriteTarget {
  /** Name in metrics. */
  readonly name: string;
  readonly url: URL;
  readonly timeoutMs: number;
  readonly headers: readonly HeaderValues[];
  readonly message: WriteMessage;
  readonly relabel: readonly RelabelRule[];
  readonly sendNativeHistograms: boolean;
  readonly client: HttpClientOptions;
  /** What stands before a bearer token; "Bearer" unless told otherwise. */
  readonly scheme: string;
  readonly auth: AuthConfig;
  readonly queue: QueueConfig;
}

const sections = ["remote_write", "global"];
const plainKeys = [
  "url",
  "remote_timeout",
  "headers",
  "http_headers",
  "write_relabel_configs",
  "name",
  "send_exemplars",
  "send_native_histograms",
  "round_robin_dns",
  "protobuf_message",
  ...authKeys,
  "bearer_token",
  "bearer_token_file",
  "tls_config",
  "follow_redirects",
  "enable_http2",
  "queue_config",
  "metadata_config",
  ...proxyKeys,
];
/** A signature covers the path without empty parts, and so that is what is asked for. */
function cleanPath(url: URL): URL {
  url.pathname = `/${url.pathname
    .split("/")
    .filter((part) => part !== "")
    .join("/")}`;
  return url;
}

/** The client's part, in the words of `http_config`; a scheme that is not Bearer comes as a header. */
function clientPart(
  fields: YamlFields,
  where: string,
  userAgent: string,
): { readonly client: HttpClientOptions; readonly scheme: string } {
  const authorization = fieldsOf(fields.authorization, `${where}.authorization`, [
    "type",
    "credentials",
    "credentials_file",
  ]);
  const fail = (reason: string): never => {
    throw new AppError("APP_CONFIG", `${where}: ${reason}`);
  };
  const scheme = textField(authorization.type, `${where}.authorization.type`).trim() || "Bearer";
  if (scheme.toLowerCase() === "basic") {
    fail('authorization type cannot be set to "basic", use "basic_auth" instead');
  }
  const { bearer_token: token, bearer_token_file: file } = fields;
  const given = fields.authorization !== undefined && fields.authorization !== null;
  if (given && ((token ?? "") !== "" || (file ?? "") !== "")) {
    fail("authorization is not compatible with bearer_token & bearer_token_file");
  }
  const section = {
    basic_auth: fields.basic_auth,
    bearer_token: token ?? authorization.credentials,
    bearer_token_file: file ?? authorization.credentials_file,
    tls_config: fields.tls_config,
    ...proxyFields(fields),
  };
  return { client: clientOf(section, userAgent, where), scheme };
}

function messageField(value: unknown, where: string): WriteMessage {
  const name = textField(value, `${where}.protobuf_message`) || writeMessages[0];
  const found = writeMessages.find((known) => known === name);
  if (found !== undefined) return found;
  const text = `${where}: invalid protobuf_message value: unknown type ${JSON.stringify(name)}, supported: ${writeMessages.join(", ")}`;
  throw new AppError("APP_CONFIG", text);
}

function targetOf(item: unknown, where: string, userAgent: string): RemoteWriteTarget {
  const fields = fieldsOf(item, where, plainKeys);
  const address = textField(fields.url, `${where}.url`);
  if (address === "") throw new AppError("APP_CONFIG", `${where}: url for remote_write is empty`);
  if (!URL.canParse(address)) {
    throw new AppError("APP_CONFIG", `${where}: ${JSON.stringify(address)} is not a URL`);
  }
  const hash = createHash("md5").update(JSON.stringify(item)).digest("hex").slice(0, 6);
  const relabel = fields.write_relabel_configs ?? null;
  const message = messageField(fields.protobuf_message, where);
  const auth = readAuth(fields, where, userAgent);
  const histograms = booleanField(
    fields.send_native_histograms,
    `${where}.send_native_histograms`,
    false,
  );
  return {
    name: textField(fields.name, `${where}.name`) || hash,
    url: auth.kind === "sigv4" ? cleanPath(new URL(address)) : new URL(address),
    timeoutMs: durationField(fields.remote_timeout, `${where}.remote_timeout`, 30_000),
    headers: readHeaders(fields.headers, fields.http_headers, where),
    message,
    relabel: relabel === null ? [] : parseRelabel(JSON.stringify(relabel)),
    // As in Prometheus, version 2 always has them.
    sendNativeHistograms: histograms || message === writeMessages[1],
    ...clientPart(fields, where, userAgent),
    auth,
    queue: readQueue(fields.queue_config, `${where}.queue_config`),
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
