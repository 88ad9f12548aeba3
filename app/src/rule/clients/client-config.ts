// How queriers and Alertmanagers are found and reached: lists in YAML, and addresses of flags.
import { messageOf } from "@deucalion/base";
import { AppError } from "../../errors.ts";
import type { HttpClientOptions } from "../../prometheus/http-client.ts";
import { parseHttpClientConfig } from "../../prometheus/http-client-config.ts";
import {
  durationField,
  fieldsOf,
  listField,
  textField,
  textsField,
  type YamlFields,
} from "./yaml-fields.ts";

/** A set of HTTP endpoints: where they are and how they are spoken to. */
export interface HttpTargetsConfig {
  /** host:port, with an optional DNS scheme. */
  readonly addresses: readonly string[];
  readonly files: readonly { readonly globs: readonly string[]; readonly refreshMs: number }[];
  readonly scheme: "http" | "https";
  /** "" or a path that begins with a slash and does not end with one. */
  readonly pathPrefix: string;
  readonly client: HttpClientOptions;
}

export interface QueryConfig {
  readonly http: HttpTargetsConfig;
  /** Addresses of gRPC query APIs. */
  readonly grpc: readonly string[];
}

export interface AlertmanagerConfig {
  readonly http: HttpTargetsConfig;
  readonly timeoutMs: number;
  readonly apiVersion: "v1" | "v2";
}

const endpointKeys = [
  "http_config",
  "static_configs",
  "file_sd_configs",
  "scheme",
  "path_prefix",
] as const;

const fileRefreshMs = 5 * 60_000;

function cleanPath(text: string): string {
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 ? "" : `/${parts.join("/")}`;
}

function schemeOf(text: string, where: string): "http" | "https" {
  if (text === "http" || text === "https") return text;
  const reason = `${JSON.stringify(text)} is not supported scheme for address`;
  throw new AppError("APP_CONFIG", `${where}: ${reason}`);
}

function fileConfig(item: unknown, where: string): HttpTargetsConfig["files"][number] {
  const file = fieldsOf(item, where, ["files", "refresh_interval"]);
  const globs = textsField(file.files, `${where}.files`);
  const fail = (reason: string): never => {
    throw new AppError("APP_CONFIG", `${where}: ${reason}`);
  };
  if (globs.length === 0) {
    fail("file service discovery config must contain at least one path name");
  }
  for (const glob of globs) {
    if (!/\.(json|ya?ml)$/.test(glob)) {
      fail(`path name ${JSON.stringify(glob)} is not valid for file discovery`);
    }
  }
  const refreshMs = durationField(
    file.refresh_interval,
    `${where}.refresh_interval`,
    fileRefreshMs,
  );
  if (refreshMs <= 0) fail("refresh_interval must be greater than 0");
  return { globs, refreshMs };
}

/** Reads the fields that queriers and Alertmanagers have in common. Throws APP_CONFIG. */
function httpTargets(fields: YamlFields, where: string, userAgent: string): HttpTargetsConfig {
  const client = fields.http_config ?? null;
  return {
    addresses: textsField(fields.static_configs, `${where}.static_configs`),
    files: listField(fields.file_sd_configs, `${where}.file_sd_configs`).map((item, i) =>
      fileConfig(item, `${where}.file_sd_configs[${i}]`),
    ),
    scheme: schemeOf(textField(fields.scheme, `${where}.scheme`, "http"), where),
    pathPrefix: cleanPath(textField(fields.path_prefix, `${where}.path_prefix`)),
    // JSON is YAML, which the reader of the client's section takes.
    client: parseHttpClientConfig(client === null ? "" : JSON.stringify(client), userAgent),
  };
}

/** Parses `--query.config`. Throws APP_CONFIG. */
export function parseQueryConfig(document: unknown, userAgent: string): QueryConfig[] {
  return listField(document, "query configuration").map((item, i) => {
    const where = `query configuration[${i}]`;
    const fields = fieldsOf(item, where, [...endpointKeys, "grpc_config"]);
    const grpc = fieldsOf(fields.grpc_config, `${where}.grpc_config`, ["endpoint_addresses"]);
    return {
      http: httpTargets(fields, where, userAgent),
      grpc: textsField(grpc.endpoint_addresses, `${where}.grpc_config.endpoint_addresses`),
    };
  });
}

/** Parses `--alertmanagers.config`. Throws APP_CONFIG. */
export function parseAlertmanagersConfig(
  document: unknown,
  userAgent: string,
): AlertmanagerConfig[] {
  const top = fieldsOf(document, "alertmanagers configuration", ["alertmanagers"]);
  return listField(top.alertmanagers, "alertmanagers").map((item, i) => {
    const where = `alertmanagers[${i}]`;
    const fields = fieldsOf(item, where, [...endpointKeys, "timeout", "api_version"]);
    const apiVersion = textField(fields.api_version, `${where}.api_version`, "v2");
    if (apiVersion !== "v1" && apiVersion !== "v2") {
      const text = `expected Alertmanager API version to be one of [v1 v2] but got ${JSON.stringify(apiVersion)}`;
      throw new AppError("APP_CONFIG", text);
    }
    return {
      http: httpTargets(fields, where, userAgent),
      timeoutMs: durationField(fields.timeout, `${where}.timeout`, 10_000),
      apiVersion,
    };
  });
}

/** Taken apart by hand: an address may have a DNS scheme in front of its scheme or of its host. */
const addressParts = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^@/]*)@)?([^/?#]*)([^?#]*)/i;

/** The querier of one `--query` flag. Throws APP_CONFIG. */
export function queryOfAddress(address: string, userAgent: string): QueryConfig {
  if (address === "") throw new AppError("APP_CONFIG", "static address cannot be empty");
  const [, scheme = "http", , host = "", path = ""] = addressParts.exec(address) ?? [];
  return {
    http: {
      addresses: [host],
      files: [],
      scheme: schemeOf(scheme, `failed to parse addr ${JSON.stringify(address)}`),
      pathPrefix: cleanPath(path),
      client: parseHttpClientConfig("", userAgent),
    },
    grpc: [],
  };
}

const defaultPort = 9093;

/** The Alertmanagers of one `--alertmanagers.url` flag. Throws APP_CONFIG. */
export function alertmanagerOfUrl(
  address: string,
  timeoutMs: number,
  userAgent: string,
): AlertmanagerConfig {
  const [, given = "", user = "", host = "", path = ""] = addressParts.exec(address) ?? [];
  if (given === "") throw new AppError("APP_CONFIG", "alertmanagers.url contains empty scheme");
  if (host === "") throw new AppError("APP_CONFIG", "alertmanagers.url contains empty host");
  const [, found = "", scheme = ""] = /^(?:(dns|dnssrv|dnssrvnoa)\+)?(.*)$/i.exec(given) ?? [];
  const dns = found.toLowerCase();
  const port = dns === "dns" && !/:\d+$/.test(host) ? `:${defaultPort}` : "";
  const client = parseHttpClientConfig("", userAgent);
  return {
    http: {
      addresses: [dns === "" ? host : `${dns}+${host}${port}`],
      files: [],
      scheme: schemeOf(scheme.toLowerCase(), "alertmanagers.url"),
      pathPrefix: cleanPath(path),
      client: user === "" ? client : { ...client, basicAuth: basicAuthOf(user) },
    },
    timeoutMs,
    apiVersion: "v2",
  };
}

function basicAuthOf(user: string): NonNullable<HttpClientOptions["basicAuth"]> {
  const at = user.indexOf(":");
  try {
    return {
      username: decodeURIComponent(at < 0 ? user : user.slice(0, at)),
      password: at < 0 ? "" : decodeURIComponent(user.slice(at + 1)),
      passwordFile: "",
    };
  } catch (cause) {
    throw new AppError("APP_CONFIG", `alertmanagers.url: ${messageOf(cause)}`, {}, { cause });
  }
}
