// Proofs for Azure: the account's key, a signature in the address, or tokens of an identity.
import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { ObjstoreError } from "../errors.ts";
import type { Authorize } from "../http/http-transport.ts";
import type { AzureIdentity, AzureOptions } from "./azure-config.ts";
import { sharedKeyAuthorization, stringToSign } from "./shared-key.ts";

const version = "2021-12-02";
const resource = "https://storage.azure.com/";
/** Tokens are asked for again so long before they end. */
const spareMs = 300_000;
const timeoutMs = 30_000;

type Env = Readonly<Record<string, string | undefined>>;

interface Token {
  readonly text: string;
  readonly untilMs: number;
}

/** Makes the proof of each request. Signatures in the address are added by the caller. */
export function azureAuthorize(options: AzureOptions, env: Env = process.env): Authorize {
  const { account, identity } = options;
  if (identity.kind === "key") {
    return ({ method, url, headers }) => {
      const all = { ...headers, "x-ms-date": new Date().toUTCString(), "x-ms-version": version };
      const text = stringToSign(method, url, all, account);
      return { ...all, authorization: sharedKeyAuthorization(account, identity.key, text) };
    };
  }
  if (identity.kind === "sas") return () => ({ "x-ms-version": version });
  let token: Promise<Token> | undefined;
  let untilMs = 0;
  return async () => {
    if (token === undefined || Date.now() > untilMs - spareMs) {
      token = fetchToken(identity, env);
      untilMs = Number.POSITIVE_INFINITY;
      token.then(
        (fresh) => {
          untilMs = fresh.untilMs;
        },
        () => {
          token = undefined;
        },
      );
    }
    const { text } = await token;
    return {
      authorization: `Bearer ${text}`,
      "x-ms-version": version,
      "x-ms-date": new Date().toUTCString(),
    };
  };
}

async function askToken(url: string, init: RequestInit): Promise<Token> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const answer = (await response.json()) as Record<string, unknown>;
    const text = answer.access_token;
    if (typeof text !== "string")
      throw new Error(String(answer.error_description ?? answer.error ?? response.status));
    return { text, untilMs: Date.now() + Number(answer.expires_in ?? 3600) * 1000 };
  } catch (cause) {
    throw new ObjstoreError(
      "OBJSTORE_IO",
      `no access token from ${new URL(url).host}: ${messageOf(cause)}`,
      {},
      { cause },
    );
  }
}

function loginToken(tenant: string, fields: Record<string, string>, env: Env): Promise<Token> {
  const host = (env.AZURE_AUTHORITY_HOST ?? "https://login.microsoftonline.com").replace(
    /\/+$/,
    "",
  );
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    scope: `${resource}.default`,
    ...fields,
  });
  return askToken(`${host}/${tenant}/oauth2/v2.0/token`, { method: "POST", body });
}

function managedToken(client: string, env: Env): Promise<Token> {
  const params = new URLSearchParams({ resource, ...(client === "" ? {} : { client_id: client }) });
  const endpoint = env.IDENTITY_ENDPOINT;
  if (endpoint !== undefined && env.IDENTITY_HEADER !== undefined) {
    params.set("api-version", "2019-08-01");
    const headers = { "x-identity-header": env.IDENTITY_HEADER };
    return askToken(`${endpoint}?${params}`, { headers });
  }
  params.set("api-version", "2018-02-01");
  const host = env.AZURE_POD_IDENTITY_AUTHORITY_HOST ?? "http://169.254.169.254";
  return askToken(`${host}/metadata/identity/oauth2/token?${params}`, {
    headers: { metadata: "true" },
  });
}

/** A fresh token. The default looks for a secret, then a federated token, then the machine's identity. */
export function fetchToken(
  identity: Exclude<AzureIdentity, { kind: "key" | "sas" }>,
  env: Env,
): Promise<Token> {
  switch (identity.kind) {
    case "secret":
      return loginToken(
        identity.tenant,
        { client_id: identity.client, client_secret: identity.secret },
        env,
      );
    case "managed":
      return managedToken(identity.client, env);
    case "default": {
      const client = env.AZURE_CLIENT_ID ?? "";
      const tenant = env.AZURE_TENANT_ID ?? "";
      const secret = env.AZURE_CLIENT_SECRET ?? "";
      if (client !== "" && tenant !== "" && secret !== "")
        return loginToken(tenant, { client_id: client, client_secret: secret }, env);
      const file = env.AZURE_FEDERATED_TOKEN_FILE ?? "";
      if (client !== "" && tenant !== "" && file !== "") {
        const fields = {
          client_id: client,
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: readFileSync(file, "utf8").trim(),
        };
        return loginToken(tenant, fields, env);
      }
      return managedToken(client, env);
    }
  }
}
