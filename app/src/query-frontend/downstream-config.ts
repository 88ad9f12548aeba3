// The YAML of `--query-frontend.downstream-tripper-config`, checked key by key.
import { parseGoDuration } from "@deucalion/base";
import { parse } from "yaml";
import { AppError } from "../errors.ts";

/** Settings of the HTTP client towards the querier; 0 is no limit. */
export interface DownstreamOptions {
  readonly idleTimeoutMs: number;
  readonly headerTimeoutMs: number;
  readonly connectionsMax: number;
  readonly idleConnectionsMax: number;
  /** A socket of this machine instead of the address of the URL. */
  readonly socketPath?: string;
  readonly tls: {
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    readonly serverName: string;
    readonly insecureSkipVerify: boolean;
  };
}

const keys: readonly string[] = [
  "idle_conn_timeout",
  "response_header_timeout",
  "tls_handshake_timeout",
  "expect_continue_timeout",
  "max_idle_conns",
  "max_idle_conns_per_host",
  "max_conns_per_host",
  "tls_config",
];
const tlsKeys: readonly string[] = [
  "ca_file",
  "cert_file",
  "key_file",
  "server_name",
  "insecure_skip_verify",
];

type Section = Readonly<Record<string, unknown>>;

function invalid(message: string): never {
  throw new AppError("APP_CONFIG", `downstream tripper config: ${message}`);
}

function section(value: unknown, known: readonly string[]): Section {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) invalid("must be a mapping");
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) invalid(`field ${key} not found`);
  }
  return value as Section;
}

function text(from: Section, key: string): string {
  const value = from[key];
  return value === undefined || value === null ? "" : String(value);
}

function durationMs(from: Section, key: string, fallback: number): number {
  const value = text(from, key);
  if (value === "") return fallback;
  const ms = parseGoDuration(value);
  return ms > 0 ? ms : fallback;
}

function count(from: Section, key: string, fallback: number): number {
  const value = Number(from[key] ?? 0);
  if (!Number.isInteger(value)) invalid(`${key} must be a whole number`);
  return value > 0 ? value : fallback;
}

/** Parses the document; "" gives the defaults. Throws APP_CONFIG. */
export function parseDownstreamConfig(yaml: string): DownstreamOptions {
  const document = section(parse(yaml), keys);
  const tls = section(document.tls_config, tlsKeys);
  return {
    idleTimeoutMs: durationMs(document, "idle_conn_timeout", 90_000),
    headerTimeoutMs: durationMs(document, "response_header_timeout", 0),
    connectionsMax: count(document, "max_conns_per_host", 0),
    idleConnectionsMax: count(
      document,
      "max_idle_conns_per_host",
      count(document, "max_idle_conns", 100),
    ),
    tls: {
      caFile: text(tls, "ca_file"),
      certFile: text(tls, "cert_file"),
      keyFile: text(tls, "key_file"),
      serverName: text(tls, "server_name"),
      insecureSkipVerify: tls.insecure_skip_verify === true,
    },
  };
}
