// The content of `--endpoint.sd-config`: endpoints with client settings of their own.
import { messageOf } from "@deucalion/base";
import {
  type ClientOptions,
  type ClientTls,
  clientTlsDefaults,
  parseServiceConfig,
} from "@deucalion/rpc";
import { StoreApiError } from "../errors.ts";
import { isDynamicAddress } from "./resolve-addresses.ts";

/** Client settings; absent fields fall back to the defaults of the file, then to flags. */
export interface ClientConfig {
  readonly tls?: Partial<ClientTls> & { readonly enabled?: boolean };
  readonly serverName?: string;
  readonly compression?: "none" | "snappy";
}

export interface EndpointEntry {
  readonly address: string;
  readonly strict: boolean;
  readonly group: boolean;
  /** gRPC's service config of a group; "" for none. */
  readonly serviceConfig: string;
  readonly client: ClientConfig;
}

export interface EndpointConfig {
  readonly defaultClient: ClientConfig;
  readonly endpoints: readonly EndpointEntry[];
}

function fail(message: string): never {
  throw new StoreApiError("STOREAPI_CONFIG", `endpoint configuration: ${message}`);
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return fail(`${where} is not a mapping`);
  for (const key of Object.keys(value))
    if (!known.includes(key)) fail(`field ${key} not found in ${where}`);
  return value as Fields;
}

function textOf(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : fail(`${key} is not a string`);
}

function flagOf(fields: Fields, key: string): boolean | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  return typeof value === "boolean" ? value : fail(`${key} is not a boolean`);
}

const versions: Readonly<Record<string, ClientTls["minVersion"]>> = {
  "1.0": "TLSv1",
  "1.1": "TLSv1.1",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
};

const tlsKeys = [
  "enabled",
  "insecure_skip_verify",
  "cert_file",
  "key_file",
  "ca_file",
  "min_version",
];

function clientConfig(value: unknown, where: string): ClientConfig {
  const fields = fieldsOf(value, where, ["tls_config", "server_name", "compression"]);
  const tls = fieldsOf(fields.tls_config, `${where}.tls_config`, tlsKeys);
  const compression = textOf(fields, "compression");
  if (compression !== undefined && compression !== "none" && compression !== "snappy") {
    fail(`compression ${JSON.stringify(compression)} is not none or snappy`);
  }
  const minVersion = textOf(tls, "min_version");
  if (minVersion !== undefined && minVersion !== "" && versions[minVersion] === undefined) {
    fail(`min_version ${JSON.stringify(minVersion)} is not known`);
  }
  const serverName = textOf(fields, "server_name");
  const given = {
    enabled: flagOf(tls, "enabled"),
    insecureSkipVerify: flagOf(tls, "insecure_skip_verify"),
    certFile: textOf(tls, "cert_file"),
    keyFile: textOf(tls, "key_file"),
    caFile: textOf(tls, "ca_file"),
    minVersion: versions[minVersion ?? ""],
  };
  const present = Object.entries(given).filter(([, item]) => item !== undefined);
  return {
    ...(present.length === 0
      ? {}
      : { tls: Object.fromEntries(present) as NonNullable<ClientConfig["tls"]> }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(compression === undefined ? {} : { compression: compression as "none" | "snappy" }),
  };
}

/** Checks parsed YAML; throws STOREAPI_CONFIG with what is wrong. */
export function parseEndpointConfig(value: unknown): EndpointConfig {
  const fields = fieldsOf(value, "the file", ["default_client_config", "endpoints"]);
  const list = fields.endpoints ?? [];
  if (!Array.isArray(list)) return fail("endpoints is not a list");
  const endpoints = list.map((item: unknown, i): EndpointEntry => {
    const where = `endpoints[${i}]`;
    const entry = fieldsOf(item, where, [
      "address",
      "strict",
      "group",
      "service_config",
      "client_config",
    ]);
    const address = textOf(entry, "address") ?? "";
    if (address === "") fail(`${where} has no address`);
    const strict = flagOf(entry, "strict") ?? false;
    const group = flagOf(entry, "group") ?? false;
    if (strict && !group && isDynamicAddress(address)) {
      fail(
        `${address} is a dynamically specified endpoint i.e. it uses SD and that is not permitted under strict mode.`,
      );
    }
    const serviceConfig = textOf(entry, "service_config") ?? "";
    if (serviceConfig !== "") {
      if (!group) fail(`service_config is only valid for endpoint groups (${address})`);
      try {
        parseServiceConfig(serviceConfig);
      } catch (error) {
        fail(`${address}: ${messageOf(error)}`);
      }
    }
    return {
      address,
      strict,
      group,
      serviceConfig,
      client: clientConfig(entry.client_config, `${where}.client_config`),
    };
  });
  const defaultClient = clientConfig(fields.default_client_config, "default_client_config");
  return { defaultClient, endpoints };
}

/** Client options from settings, most particular first. TLS is on if it is enabled, or any of its files is given. */
export function clientOptionsOf(
  configs: readonly ClientConfig[],
  flags: Partial<ClientOptions>,
): Partial<ClientOptions> {
  const first = configs.find((config) => config.tls !== undefined);
  const compression = configs.find((config) => config.compression !== undefined)?.compression;
  const serverName = configs.find((config) => config.serverName !== undefined)?.serverName;
  const base: Partial<ClientOptions> =
    compression === undefined ? flags : { ...flags, compression };
  const own = first?.tls;
  if (own === undefined) {
    if (serverName === undefined || base.tls === null || base.tls === undefined) return base;
    return { ...base, tls: { ...base.tls, serverName } };
  }
  const { enabled, ...given } = own;
  const implied =
    given.insecureSkipVerify === true ||
    [given.certFile, given.keyFile, given.caFile].some((file) => file !== undefined && file !== "");
  if (!(enabled ?? false) && !implied) return { ...base, tls: null };
  const fallback = enabled === undefined ? (base.tls ?? clientTlsDefaults) : clientTlsDefaults;
  const name = serverName === undefined ? {} : { serverName };
  return { ...base, tls: { ...fallback, ...given, ...name } };
}
