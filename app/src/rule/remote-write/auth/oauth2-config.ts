// The `oauth2` section, with the keys of prometheus/common.
import { AppError } from "../../../errors.ts";
import type { HttpClientOptions } from "../../../prometheus/http-client.ts";
import { proxyKeys } from "../../../prometheus/proxy-config.ts";
import { fieldsOf, textField, textsField, type YamlFields } from "../../clients/yaml-fields.ts";
import { clientOf, proxyFields } from "../client-of.ts";

export const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

export interface OAuth2Options {
  readonly clientId: string;
  /** The secret or, for a JWT, the private key as PEM; one of the two is "". */
  readonly secret: string;
  readonly secretFile: string;
  readonly scopes: readonly string[];
  readonly tokenUrl: URL;
  readonly params: Readonly<Record<string, string>>;
  /** Null: `client_credentials`. */
  readonly jwt: JwtOptions | null;
  /** How the token's server is spoken to. */
  readonly client: HttpClientOptions;
}

export interface JwtOptions {
  readonly keyId: string;
  readonly algorithm: "RS256" | "RS384" | "RS512";
  readonly issuer: string;
  readonly audience: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

const keys = [
  ...proxyKeys,
  "client_id",
  "client_secret",
  "client_secret_file",
  "client_certificate_key_id",
  "client_certificate_key",
  "client_certificate_key_file",
  "grant_type",
  "signature_algorithm",
  "iss",
  "audience",
  "claims",
  "scopes",
  "token_url",
  "endpoint_params",
  "tls_config",
];

function fail(where: string, reason: string): never {
  throw new AppError("APP_CONFIG", `${where}: ${reason}`);
}

function mapping(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return fail(where, "must be a mapping");
  return value as Readonly<Record<string, unknown>>;
}

function jwtOf(
  fields: YamlFields,
  where: string,
  { clientId, tokenUrl }: { readonly clientId: string; readonly tokenUrl: string },
): JwtOptions {
  const algorithm = textField(fields.signature_algorithm, `${where}.signature_algorithm`, "RS256");
  if (algorithm !== "RS256" && algorithm !== "RS384" && algorithm !== "RS512") {
    return fail(where, "valid signature algorithms are RS256, RS384 and RS512");
  }
  return {
    keyId: textField(fields.client_certificate_key_id, `${where}.client_certificate_key_id`),
    algorithm,
    issuer: textField(fields.iss, `${where}.iss`) || clientId,
    audience: textField(fields.audience, `${where}.audience`) || tokenUrl,
    claims: mapping(fields.claims, `${where}.claims`),
  };
}

/** Throws APP_CONFIG. */
export function readOAuth2(value: unknown, where: string, userAgent: string): OAuth2Options {
  const fields = fieldsOf(value, where, keys);
  const text = (key: string): string => textField(fields[key], `${where}.${key}`);
  const clientId = text("client_id");
  if (clientId === "") fail(where, "oauth2 client_id must be configured");
  const tokenUrl = text("token_url");
  if (tokenUrl === "") fail(where, "oauth2 token_url must be configured");
  if (!URL.canParse(tokenUrl)) fail(where, `${JSON.stringify(tokenUrl)} is not a URL`);
  const grant = text("grant_type");
  if (grant !== "" && grant !== "client_credentials" && grant !== jwtBearer) {
    fail(where, `grant_type ${JSON.stringify(grant)} is not supported`);
  }
  const jwt = grant === jwtBearer ? jwtOf(fields, where, { clientId, tokenUrl }) : null;
  const key = jwt === null ? "client_secret" : "client_certificate_key";
  const secret = text(key);
  const secretFile = text(`${key}_file`);
  if (secret !== "" && secretFile !== "") {
    fail(where, `at most one of oauth2 ${key} & ${key}_file must be configured`);
  }
  const params = mapping(fields.endpoint_params, `${where}.endpoint_params`);
  return {
    clientId,
    secret,
    secretFile,
    scopes: textsField(fields.scopes, `${where}.scopes`),
    tokenUrl: new URL(tokenUrl),
    params: Object.fromEntries(
      Object.entries(params).map(([name, one]) => [
        name,
        textField(one, `${where}.endpoint_params.${name}`),
      ]),
    ),
    jwt,
    client: clientOf({ tls_config: fields.tls_config, ...proxyFields(fields) }, userAgent, where),
  };
}
