// Settings of Google Cloud Storage.
import { ConfigReader } from "../config/config-reader.ts";
import { type HttpConfig, readHttpConfig } from "../http/http-config.ts";

export interface GcsOptions {
  readonly bucket: string;
  /** JSON of the credentials; "" takes the application's default ones. */
  readonly serviceAccount: string;
  readonly chunkBytes: number;
  readonly attemptsMax: number;
  /** URL of the API. */
  readonly endpoint: string;
  /** False before an emulator. */
  readonly authenticated: boolean;
  readonly http: HttpConfig;
}

const chunkBytesDefault = 16 << 20;
/** Google takes chunks in multiples of this. */
const chunkUnit = 256 << 10;
/** Thanos' "without limit" would never tell that a store is gone. */
const attemptsDefault = 12;

/** Checks the `config` of type GCS. `env.STORAGE_EMULATOR_HOST` points at an emulator, as for Google's own clients. */
export function readGcsConfig(
  fields: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): GcsOptions {
  const config = new ConfigReader(fields, "GCS configuration");
  const emulator = env.STORAGE_EMULATOR_HOST ?? "";
  const chunkBytes = config.count("chunk_size_bytes", 0) || chunkBytesDefault;
  // Known so that configurations stay valid: requests go over HTTP/1.1 in every case.
  config.flag("use_grpc", false);
  config.count("grpc_conn_pool_size", 0);
  const options: GcsOptions = {
    bucket: config.required("bucket"),
    serviceAccount: config.text("service_account"),
    chunkBytes: Math.max(1, Math.ceil(chunkBytes / chunkUnit)) * chunkUnit,
    attemptsMax: config.count("max_retries", 0) || attemptsDefault,
    endpoint:
      emulator === ""
        ? "https://storage.googleapis.com"
        : `${/^https?:/.test(emulator) ? "" : "http://"}${emulator.replace(/\/+$/, "")}`,
    authenticated: emulator === "",
    http: readHttpConfig(config),
  };
  config.noOthers();
  return options;
}
