// Settings of OpenStack Swift.
import { ConfigReader } from "../config/config-reader.ts";
import { ObjstoreError } from "../errors.ts";
import { type HttpConfig, readHttpConfig } from "../http/http-config.ts";

export interface SwiftOptions {
  /** 1, 2 or 3. */
  readonly authVersion: number;
  readonly authUrl: string;
  readonly user: { readonly name: string; readonly id: string; readonly password: string };
  /** Of the user; names and ids may be "". */
  readonly domain: { readonly name: string; readonly id: string };
  readonly applicationCredential: {
    readonly id: string;
    readonly name: string;
    readonly secret: string;
  };
  readonly project: {
    readonly id: string;
    readonly name: string;
    readonly domainId: string;
    readonly domainName: string;
  };
  readonly region: string;
  readonly container: string;
  readonly segmentsContainer: string;
  readonly chunkBytes: number;
  readonly dynamicLargeObjects: boolean;
  readonly attemptsMax: number;
  readonly progressTimeoutMs: number;
  readonly http: HttpConfig;
}

function versionOf(given: number, url: string): number {
  if (given !== 0) return given;
  const found = /v([123])/.exec(url);
  return found === null ? 1 : Number(found[1]);
}

/** Checks the `config` of type SWIFT. Throws OBJSTORE_CONFIG. */
export function readSwiftConfig(fields: Readonly<Record<string, unknown>>): SwiftOptions {
  const config = new ConfigReader(fields, "SWIFT configuration");
  const authUrl = config.required("auth_url").replace(/\/+$/, "");
  const authVersion = versionOf(config.count("auth_version", 0), authUrl);
  if (authVersion < 1 || authVersion > 3)
    throw new ObjstoreError(
      "OBJSTORE_CONFIG",
      `auth_version ${authVersion} is not supported; 1, 2 and 3 are`,
    );
  const container = config.required("container_name");
  const options: SwiftOptions = {
    authVersion,
    authUrl,
    user: {
      name: config.text("username"),
      id: config.text("user_id"),
      password: config.text("password"),
    },
    domain: {
      name: config.text("domain_name") || config.text("user_domain_name"),
      id: config.text("domain_id") || config.text("user_domain_id"),
    },
    applicationCredential: {
      id: config.text("application_credential_id"),
      name: config.text("application_credential_name"),
      secret: config.text("application_credential_secret"),
    },
    project: {
      id: config.text("project_id"),
      name: config.text("project_name"),
      domainId: config.text("project_domain_id"),
      domainName: config.text("project_domain_name"),
    },
    region: config.text("region_name"),
    container,
    segmentsContainer: config.text("large_object_segments_container_name") || container,
    chunkBytes: config.count("large_object_chunk_size", 1 << 30) || 1 << 30,
    dynamicLargeObjects: config.flag("use_dynamic_large_objects", false),
    attemptsMax: (config.count("retries", 3) || 3) + 1,
    progressTimeoutMs: config.durationMs("timeout", 300_000),
    http: readHttpConfig(config),
  };
  // Both spellings are known even where only one counts.
  for (const key of ["user_domain_name", "user_domain_id"]) config.text(key);
  config.durationMs("connect_timeout", 10_000);
  config.noOthers();
  return options;
}
