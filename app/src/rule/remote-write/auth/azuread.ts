// The `azuread` section: tokens of Microsoft Entra for Azure Monitor.
import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { HttpClient } from "../../../prometheus/http-client.ts";
import { RuleError } from "../../errors.ts";
import { askToken, type GivenToken, keptToHalf } from "./ask-token.ts";
import { type Authorizer, type AuthorizerDeps, plainClient } from "./authorizer.ts";
import type { AzureIdentity, AzureOptions } from "./azuread-config.ts";
import { ExpiringValue } from "./expiring.ts";

const authorities = {
  AzurePublic: "https://login.microsoftonline.com",
  AzureGovernment: "https://login.microsoftonline.us",
  AzureChina: "https://login.chinacloudapi.cn",
} as const;

const metadataHost = "http://169.254.169.254";
const federatedFile = "/var/run/secrets/azure/tokens/azure-identity-token";

interface Asking {
  readonly client: HttpClient;
  readonly scope: string;
  readonly authority: string;
  readonly env: AuthorizerDeps["env"];
  readonly signal: AbortSignal;
}

function login(
  tenant: string,
  fields: Readonly<Record<string, string>>,
  { client, scope, authority, signal }: Asking,
): Promise<GivenToken> {
  const url = new URL(`${authority}/${tenant}/oauth2/v2.0/token`);
  const form = new URLSearchParams({ grant_type: "client_credentials", scope, ...fields });
  return askToken(client, { method: "POST", url, form }, signal);
}

/** The machine, or the service that the process runs in, gives the token. */
function managed(clientId: string, { client, scope, env, signal }: Asking): Promise<GivenToken> {
  const params = new URLSearchParams({ resource: scope.replace(/\/\.default$/, "") });
  if (clientId !== "") params.set("client_id", clientId);
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header } = env;
  const service = endpoint !== undefined && header !== undefined;
  params.set("api-version", service ? "2019-08-01" : "2018-02-01");
  const host = env.AZURE_POD_IDENTITY_AUTHORITY_HOST ?? metadataHost;
  const base = service ? endpoint : `${host}/metadata/identity/oauth2/token`;
  const headers = service ? { "x-identity-header": header } : { metadata: "true" };
  return askToken(client, { method: "GET", url: new URL(`${base}?${params}`), headers }, signal);
}

function federated(
  tenant: string,
  clientId: string,
  file: string,
  asking: Asking,
): Promise<GivenToken> {
  let assertion = "";
  try {
    assertion = readFileSync(file, "utf8").trim();
  } catch (cause) {
    const text = `no access token: ${messageOf(cause)}`;
    throw new RuleError("RULE_AUTH", text, { status: 0 }, { cause });
  }
  const fields = {
    client_id: clientId,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  };
  return login(tenant, fields, asking);
}

/** A secret of the environment, a federated token, the machine's identity: the first that there is. */
function fromEnvironment(tenantId: string, asking: Asking): Promise<GivenToken> {
  const { env } = asking;
  const client = env.AZURE_CLIENT_ID ?? "";
  const tenant = tenantId || (env.AZURE_TENANT_ID ?? "");
  const secret = env.AZURE_CLIENT_SECRET ?? "";
  if (client !== "" && tenant !== "" && secret !== "") {
    return login(tenant, { client_id: client, client_secret: secret }, asking);
  }
  const file = env.AZURE_FEDERATED_TOKEN_FILE ?? "";
  if (client !== "" && tenant !== "" && file !== "") return federated(tenant, client, file, asking);
  return managed(client, asking);
}

async function ask(identity: AzureIdentity, asking: Asking): Promise<GivenToken> {
  switch (identity.kind) {
    case "managed":
      return managed(identity.client, asking);
    case "workload": {
      const file = identity.tokenFile || asking.env.AZURE_FEDERATED_TOKEN_FILE || federatedFile;
      return federated(identity.tenant, identity.client, file, asking);
    }
    case "oauth": {
      const fields = { client_id: identity.client, client_secret: identity.secret };
      return login(identity.tenant, fields, asking);
    }
    case "sdk":
      return fromEnvironment(identity.tenant, asking);
  }
}

/** A token is asked for again at half of its life. */
export function azureAuthorizer(options: AzureOptions, deps: AuthorizerDeps): Authorizer {
  const { now, env } = deps;
  const { identity, scope, cloud } = options;
  const client = new HttpClient(plainClient(deps));
  const authority = (env.AZURE_AUTHORITY_HOST ?? authorities[cloud]).replace(/\/+$/, "");
  const cache = new ExpiringValue(async (signal) => {
    const given = await ask(identity, { client, scope, authority, env, signal });
    return keptToHalf(given, now());
  }, now);
  return {
    authorize: async (_request, signal) => ({ authorization: await cache.get(signal) }),
    close: () => client.close(),
  };
}
