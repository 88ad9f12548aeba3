// The YAML of `--prometheus.http-client` and of the `http_config` sections, checked key by key.
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { type HttpClientOptions, httpClientDefaults } from "./http-client.ts";
import { readProxyUrl } from "./proxy-config.ts";

type Section = Readonly<Record<string, unknown>>;

const known: Readonly<Record<string, readonly string[]>> = {
  "": [
    "basic_auth",
    "bearer_token",
    "bearer_token_file",
    "proxy_url",
    "tls_config",
    "transport_config",
  ],
  basic_auth: ["username", "password", "password_file"],
  tls_config: ["ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify"],
  transport_config: [
    "max_idle_conns",
    "max_idle_conns_per_host",
    "idle_conn_timeout",
    "response_header_timeout",
    "expect_continue_timeout",
    "max_conns_per_host",
    "disable_compression",
    "tls_handshake_timeout",
    "dialer_timeout",
  ],
};

function section(value: unknown, name: string): Section {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new AppError("APP_CONFIG", `HTTP client: ${name || "the document"} must be a mapping`);
  }
  for (const key of Object.keys(value)) {
    if (!known[name]!.includes(key)) {
      throw new AppError(
        "APP_CONFIG",
        `HTTP client: field ${key} not found${name === "" ? "" : ` in ${name}`}`,
        { key },
      );
    }
  }
  return value as Section;
}

function text(from: Section, key: string): string {
  const value = from[key];
  return value === undefined || value === null ? "" : String(value);
}

/** Parses the document; "" gives the defaults. Throws APP_CONFIG. */
export function parseHttpClientConfig(yaml: string, userAgent: string): HttpClientOptions {
  const document = section(parse(yaml), "");
  const basic = section(document.basic_auth, "basic_auth");
  const tls = section(document.tls_config, "tls_config");
  const transport = section(document.transport_config, "transport_config");
  const hasBasic =
    text(basic, "username") !== "" ||
    text(basic, "password") !== "" ||
    text(basic, "password_file") !== "";
  const auths = [
    hasBasic,
    text(document, "bearer_token") !== "",
    text(document, "bearer_token_file") !== "",
  ];
  if (auths.filter(Boolean).length > 1) {
    throw new AppError(
      "APP_CONFIG",
      "at most one of basic_auth, bearer_token & bearer_token_file must be configured",
    );
  }
  const proxyUrl = readProxyUrl(text(document, "proxy_url"), "HTTP client");
  const connectionsMax = Number(transport.max_conns_per_host ?? 0);
  return {
    ...httpClientDefaults,
    userAgent,
    basicAuth: hasBasic
      ? {
          username: text(basic, "username"),
          password: text(basic, "password"),
          passwordFile: text(basic, "password_file"),
        }
      : null,
    bearerToken: text(document, "bearer_token"),
    bearerTokenFile: text(document, "bearer_token_file"),
    tls: {
      caFile: text(tls, "ca_file"),
      certFile: text(tls, "cert_file"),
      keyFile: text(tls, "key_file"),
      serverName: text(tls, "server_name"),
      insecureSkipVerify: tls.insecure_skip_verify === true,
    },
    proxy: proxyUrl === "" ? null : { url: proxyUrl, noProxy: "", connectHeaders: {} },
    connectionsMax: connectionsMax > 0 ? connectionsMax : Number.POSITIVE_INFINITY,
  };
}
