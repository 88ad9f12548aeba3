// Settings of Azure's blobs.
import { ConfigReader } from "../config/config-reader.ts";
import { ObjstoreError } from "../errors.ts";
import { type HttpConfig, readHttpConfig } from "../http/http-config.ts";

/** Who asks. */
export type AzureIdentity =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "sas"; readonly query: string }
  | {
      readonly kind: "secret";
      readonly tenant: string;
      readonly client: string;
      readonly secret: string;
    }
  | { readonly kind: "managed"; readonly client: string }
  | { readonly kind: "default" };

export interface AzureOptions {
  readonly account: string;
  readonly container: string;
  /** URL of the account, without a slash at the end. */
  readonly endpoint: string;
  readonly identity: AzureIdentity;
  readonly createContainer: boolean;
  readonly attemptsMax: number;
  readonly retryMs: number;
  readonly retryMaxMs: number;
  readonly readAttemptsMax: number;
  readonly http: HttpConfig;
}

/** `name=value;…` */
function parseConnectionString(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split(";")) {
    const at = part.indexOf("=");
    if (at > 0) fields.set(part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim());
  }
  return fields;
}

/** Checks the `config` of type AZURE. Throws OBJSTORE_CONFIG with all that is wrong. */
export function readAzureConfig(fields: Readonly<Record<string, unknown>>): AzureOptions {
  const config = new ConfigReader(fields, "AZURE configuration");
  const tenant = config.text("az_tenant_id");
  const client = config.text("client_id");
  const secret = config.text("client_secret");
  const account = config.text("storage_account");
  const key = config.text("storage_account_key");
  const connection = config.text("storage_connection_string");
  const container = config.text("container");
  const assigned = config.text("user_assigned_id");
  config.text("msi_resource");
  const endpoint = config.text("endpoint") || "blob.core.windows.net";
  const wrong: string[] = [];
  if (assigned !== "" && key !== "")
    wrong.push("user_assigned_id cannot be set when using storage_account_key authentication");
  if (assigned !== "" && connection !== "")
    wrong.push(
      "user_assigned_id cannot be set when using storage_connection_string authentication",
    );
  if (assigned !== "" && client !== "")
    wrong.push("user_assigned_id cannot be set when using client_id authentication");
  const given = [tenant, client, secret].filter((text) => text !== "").length;
  if (given !== 0 && given !== 3)
    wrong.push("az_tenant_id, client_id, and client_secret must be set together");
  if (key !== "" && connection !== "")
    wrong.push("storage_account_key and storage_connection_string cannot both be set");
  if (account === "") wrong.push("storage_account_name is required but not configured");
  if (container === "") wrong.push("no container specified");
  if (wrong.length > 0) throw new ObjstoreError("OBJSTORE_CONFIG", wrong.join(", "));
  const retries = config.count("max_retries", 0);
  const reader = config.section("reader_config");
  const pipeline = config.section("pipeline_config");
  pipeline.durationMs("try_timeout", 0);
  const identity = identityOf({ tenant, client, secret, key, connection, assigned });
  const fromString = connection === "" ? undefined : parseConnectionString(connection);
  const options: AzureOptions = {
    account: fromString?.get("accountname") ?? account,
    container,
    endpoint: endpointOf(account, endpoint, fromString),
    identity,
    createContainer: config.flag("storage_create_container", true),
    attemptsMax: pipeline.count("max_tries", 0) || retries || 4,
    retryMs: pipeline.durationMs("retry_delay", 0) || 800,
    retryMaxMs: pipeline.durationMs("max_retry_delay", 0) || 60_000,
    readAttemptsMax: (reader.count("max_retry_requests", 0) || retries || 3) + 1,
    http: readHttpConfig(config),
  };
  reader.noOthers();
  pipeline.noOthers();
  config.noOthers();
  return options;
}

function endpointOf(
  account: string,
  endpoint: string,
  connection: ReadonlyMap<string, string> | undefined,
): string {
  const given = connection?.get("blobendpoint");
  if (given !== undefined) return given.replace(/\/+$/, "");
  const scheme = connection?.get("defaultendpointsprotocol") ?? "https";
  const suffix = connection?.get("endpointsuffix");
  const name = connection?.get("accountname") ?? account;
  return `${scheme}://${name}.${suffix === undefined ? endpoint : `blob.${suffix}`}`;
}

function identityOf(from: {
  tenant: string;
  client: string;
  secret: string;
  key: string;
  connection: string;
  assigned: string;
}): AzureIdentity {
  if (from.connection !== "") {
    const fields = parseConnectionString(from.connection);
    const key = fields.get("accountkey");
    if (key !== undefined) return { kind: "key", key };
    const query = fields.get("sharedaccesssignature");
    if (query !== undefined) return { kind: "sas", query: query.replace(/^\?/, "") };
    throw new ObjstoreError(
      "OBJSTORE_CONFIG",
      "storage_connection_string holds neither AccountKey nor SharedAccessSignature",
    );
  }
  if (from.key !== "") return { kind: "key", key: from.key };
  if (from.secret !== "") {
    const { tenant, client, secret } = from;
    return { kind: "secret", tenant, client, secret };
  }
  return from.assigned === "" ? { kind: "default" } : { kind: "managed", client: from.assigned };
}
