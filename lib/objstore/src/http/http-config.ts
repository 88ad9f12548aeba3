// `http_config`, the part of a provider's settings that says how it connects.
import type { ConfigReader } from "../config/config-reader.ts";

/** Times in ms; 0 is no limit. */
export interface HttpConfig {
  readonly idleConnTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
  readonly maxIdleConns: number;
  readonly maxConnsPerHost: number;
  readonly tls: {
    /** Paths; read again when they change. */
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    readonly serverName: string;
    readonly insecureSkipVerify: boolean;
  };
}

/** Reads the section `http_config` of a provider. Unknown keys throw OBJSTORE_CONFIG. */
export function readHttpConfig(config: ConfigReader, options = { tls: true }): HttpConfig {
  const http = config.section("http_config");
  const tls = options.tls ? http.section("tls_config") : undefined;
  // Asked for so that they are known: Node negotiates TLS and 100-continue by itself and never compresses.
  http.durationMs("tls_handshake_timeout", 10_000);
  http.durationMs("expect_continue_timeout", 1000);
  http.flag("disable_compression", false);
  http.count("max_idle_conns_per_host", 100);
  if (!options.tls) http.durationMs("client_timeout", 90_000);
  const result: HttpConfig = {
    idleConnTimeoutMs: http.durationMs("idle_conn_timeout", 90_000),
    responseHeaderTimeoutMs: http.durationMs("response_header_timeout", 120_000),
    maxIdleConns: http.count("max_idle_conns", 100),
    maxConnsPerHost: http.count("max_conns_per_host", 0),
    tls: {
      caFile: tls?.text("ca_file") ?? "",
      certFile: tls?.text("cert_file") ?? "",
      keyFile: tls?.text("key_file") ?? "",
      serverName: tls?.text("server_name") ?? "",
      insecureSkipVerify:
        http.flag("insecure_skip_verify", false) ||
        (tls?.flag("insecure_skip_verify", false) ?? false),
    },
  };
  tls?.noOthers();
  http.noOthers();
  return result;
}
