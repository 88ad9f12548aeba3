// Groups of flags that several commands share.
import {
  bool,
  choice,
  duration,
  float,
  int,
  pathOrContent,
  promDuration,
  string,
  strings,
  uint,
} from "./flag-types.ts";

const tlsVersions = ["1.0", "1.1", "1.2", "1.3"] as const;

/** Flags of every command; they may stand before or after its name. */
export const globalFlags = {
  "log.level": choice(["error", "warn", "info", "debug"], "info", "Lowest level of lines to log."),
  "log.format": choice(
    ["logfmt", "json", "journald"],
    "logfmt",
    "Encoding of log lines: logfmt, json or journald.",
  ),
  "debug.name": string("", "Put this name into every log line.", { hidden: true }),
  "tracing.config": pathOrContent("YAML that says where to send traces.", { env: true }),
  "enable-auto-gomemlimit": bool(
    false,
    "Limit memory to a share of what the container or machine has.",
  ),
  "auto-gomemlimit.ratio": float(
    "0.9",
    "The share of --enable-auto-gomemlimit, above 0 and at most 1.",
  ),
};

/** The HTTP server. */
export const httpFlags = {
  "http-address": string("0.0.0.0:10902", "Address to serve HTTP on, host:port."),
  "http-grace-period": promDuration(
    "2m",
    "Wait so long for open requests when stopping; 0 closes at once.",
  ),
  "http.config": string(
    "",
    "File that can turn on TLS, basic authentication and headers for HTTP.",
  ),
};

/** The gRPC server. */
export const grpcServerFlags = {
  "grpc-address": string("0.0.0.0:10901", "Address to serve gRPC (the StoreAPI) on, ip:port."),
  "grpc-server-tls-cert": string("", "Certificate of the gRPC server; empty for no TLS."),
  "grpc-server-tls-key": string("", "Key of the gRPC server; empty for no TLS."),
  "grpc-server-tls-client-ca": string(
    "",
    "CA that clients' certificates must come from; empty takes every client.",
  ),
  "grpc-server-tls-min-version": choice(
    tlsVersions,
    "1.3",
    "Lowest TLS version of the gRPC server.",
  ),
  "grpc-server-tls-ciphers": strings(
    "TLS cipher suites of the gRPC server, by Go's names. Repeatable.",
  ),
  "grpc-server-tls-curves": strings(
    "TLS curves of the gRPC server: CurveP256, CurveP384, CurveP521, X25519. Repeatable.",
  ),
  "grpc-server-max-connection-age": duration("60m", "Ask clients to connect anew after so long."),
  "grpc-grace-period": duration(
    "2m",
    "Wait so long for open calls when stopping; 0 stops at once.",
  ),
};

/** gRPC connections to endpoints (query only; the endpoint configuration replaces them). */
export const grpcClientFlags = {
  "grpc-client-tls-secure": bool(false, "Deprecated: use TLS towards endpoints."),
  "grpc-client-tls-skip-verify": bool(false, "Deprecated: do not verify endpoints' certificates."),
  "grpc-client-tls-cert": string("", "Deprecated: certificate shown to endpoints."),
  "grpc-client-tls-key": string("", "Deprecated: key of that certificate."),
  "grpc-client-tls-ca": string("", "Deprecated: CA of endpoints' certificates."),
  "grpc-client-server-name": string(
    "",
    "Deprecated: host name that endpoints' certificates must carry.",
  ),
  "grpc-compression": choice(
    ["snappy", "none"],
    "none",
    "Deprecated: compression of requests to endpoints.",
  ),
  "grpc-client-tls-min-version": choice(
    tlsVersions,
    "1.3",
    "Deprecated: lowest TLS version towards endpoints.",
  ),
};

export const requestLoggingFlags = {
  "request.logging-config": pathOrContent("YAML that says which requests to log.", { env: true }),
};

export const selectorRelabelFlags = {
  "selector.relabel-config": pathOrContent(
    "YAML with relabelling rules that choose blocks or stores by their external labels.",
    { env: true },
  ),
};

export const seriesLimitFlags = {
  "store.limits.request-series": uint(
    0,
    "Most series that one Series call may touch; 0 for no limit.",
  ),
  "store.limits.request-samples": uint(
    0,
    "Most samples that one Series call may touch (in chunks of 120); 0 for no limit.",
  ),
};

export const objstoreFlags = {
  "objstore.config": pathOrContent("YAML that describes the bucket.", { env: true }),
};

export const requiredObjstoreFlags = {
  "objstore.config": pathOrContent("YAML that describes the bucket.", {
    env: true,
    required: true,
  }),
};

export const shipperFlags = {
  "shipper.upload-compacted": bool(false, "Upload blocks that are compacted already, too."),
  "shipper.ignore-unequal-block-size": bool(
    false,
    "Accept that the shortest and longest block differ in length.",
    { hidden: true },
  ),
  "shipper.allow-out-of-order-uploads": bool(
    false,
    "Go on with later blocks when one fails to upload.",
    { hidden: true },
  ),
  "shipper.skip-corrupted-blocks": bool(false, "Leave out blocks that cannot be read.", {
    hidden: true,
  }),
  "hash-func": choice(
    ["SHA256", ""],
    "",
    "Hash function for the files listed in meta.json; empty for none.",
    { quoted: true },
  ),
  "shipper.meta-file-name": string("thanos.shipper.json", "File that remembers what was uploaded."),
  "shipper.upload-concurrency": int(0, "Files of one block to upload at once; 0 is one by one."),
};

export const externalPrefixFlags = {
  "web.external-prefix": string(
    "",
    "Prefix of all links in the UI, for a proxy that strips a path.",
  ),
  "web.prefix-header": string(
    "",
    "Header that carries that prefix when --web.external-prefix is empty. Use it only behind a proxy that sets it.",
  ),
  "web.disable-cors": bool(false, "Send no CORS headers. They allow every origin otherwise."),
};

export const webFlags = {
  "web.route-prefix": string("", "Prefix under which API and UI are served."),
  ...externalPrefixFlags,
};

/** Size of caches and pools that several commands take. */
export const matcherCacheFlags = {
  "matcher-cache-size": int(0, "Matchers to keep compiled between calls; 0 keeps none."),
};

export const blockViewerFlags = {
  "web.disable": bool(false, "No block viewer and no API for it."),
  "bucket-web-label": string("", "External label that names the groups of the block viewer."),
  "disable-admin-operations": bool(false, "Refuse to mark blocks over HTTP."),
};
