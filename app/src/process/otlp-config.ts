// The `config` part of a tracing configuration of type OTLP. As in Thanos, keys that are not known are passed over.
import { messageOf, parseGoDuration } from "@deucalion/base";
import { type ClientTls, clientTlsDefaults } from "@deucalion/rpc";
import { AppError } from "../errors.ts";

export interface OtlpConfig {
  readonly client: "http" | "grpc";
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  readonly insecure: boolean;
  /** `host:port`, or a whole URL for HTTP. */
  readonly endpoint: string;
  readonly urlPath: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClientTls;
  /** Share of the traces begun here that are kept, 0 to 1. */
  readonly ratio: number;
  /** Whether the caller's decision counts before the share. */
  readonly parentBased: boolean;
}

const defaultTimeoutMs = 10_000;

type Section = Readonly<Record<string, unknown>>;

function section(value: unknown): Section {
  return typeof value === "object" && value !== null ? (value as Section) : {};
}

function texts(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(section(value)).map(([key, text]) => [key, String(text)]),
  );
}

/** What `sampler_type` and `sampler_param` ask for. */
function sampler(type: string, param: string): { ratio: number; parentBased: boolean } {
  const share = (): number => {
    const ratio = Number(param === "" ? "NaN" : param);
    if (Number.isNaN(ratio))
      throw new AppError("APP_CONFIG", `tracing: sampler_param ${JSON.stringify(param)}`);
    return Math.min(1, Math.max(0, ratio));
  };
  switch (type.toLowerCase()) {
    case "alwayssample":
      return { ratio: 1, parentBased: false };
    case "neversample":
      return { ratio: 0, parentBased: false };
    case "traceidratiobased":
      return { ratio: share(), parentBased: false };
    case "parentbasedneversample":
      return { ratio: 0, parentBased: true };
    case "parentbasedtraceidratiobased":
      return { ratio: share(), parentBased: true };
    default:
      return { ratio: 1, parentBased: true };
  }
}

/** Throws APP_CONFIG. */
export function parseOtlpConfig(value: unknown, component: string): OtlpConfig {
  const config = section(value);
  const text = (key: string): string =>
    config[key] === undefined || config[key] === null ? "" : String(config[key]);
  const client = text("client_type").toLowerCase();
  if (client !== "http" && client !== "grpc")
    throw new AppError("APP_CONFIG", "tracing: client_type must be http or grpc");
  let timeoutMs = defaultTimeoutMs;
  try {
    if (text("timeout") !== "") timeoutMs = parseGoDuration(text("timeout"));
  } catch (cause) {
    throw new AppError("APP_CONFIG", `tracing: timeout: ${messageOf(cause)}`, {}, { cause });
  }
  const tls = section(config.tls_config);
  const file = (key: string): string => (typeof tls[key] === "string" ? tls[key] : "");
  return {
    client,
    serviceName: text("service_name") || `deucalion-${component}`,
    resourceAttributes: texts(config.resource_attributes),
    gzip: text("compression") === "gzip",
    insecure: config.insecure === true,
    endpoint: text("endpoint") || (client === "http" ? "localhost:4318" : "localhost:4317"),
    urlPath: text("url_path") || "/v1/traces",
    timeoutMs,
    headers: texts(config.headers),
    tls: {
      ...clientTlsDefaults,
      caFile: file("ca_file"),
      certFile: file("cert_file"),
      keyFile: file("key_file"),
      serverName: file("server_name"),
      insecureSkipVerify: tls.insecure_skip_verify === true,
      minVersion: "TLSv1.2",
    },
    ...sampler(text("sampler_type"), text("sampler_param")),
  };
}
