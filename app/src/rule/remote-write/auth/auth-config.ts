// Who a remote-write target is told that sends: the one of six sections that is there.
import { AppError } from "../../../errors.ts";
import type { YamlFields } from "../../clients/yaml-fields.ts";
import type { Authorizer, AuthorizerDeps } from "./authorizer.ts";
import { azureAuthorizer } from "./azuread.ts";
import { type AzureOptions, readAzureAd } from "./azuread-config.ts";
import { type GoogleOptions, googleAuthorizer, readGoogleIam } from "./google-iam.ts";
import { oauth2Authorizer } from "./oauth2.ts";
import { type OAuth2Options, readOAuth2 } from "./oauth2-config.ts";
import { readSigV4, type SigV4Options, sigv4Authorizer } from "./sigv4.ts";

/** Plain: what the HTTP client does by itself. */
export type AuthConfig =
  | { readonly kind: "plain" }
  | { readonly kind: "oauth2"; readonly options: OAuth2Options }
  | { readonly kind: "sigv4"; readonly options: SigV4Options }
  | { readonly kind: "azuread"; readonly options: AzureOptions }
  | { readonly kind: "google_iam"; readonly options: GoogleOptions };

/** Keys of a target, of which one may be there. */
export const authKeys = [
  "basic_auth",
  "authorization",
  "oauth2",
  "sigv4",
  "azuread",
  "google_iam",
] as const;

/** Throws APP_CONFIG. */
export function readAuth(fields: YamlFields, where: string, userAgent: string): AuthConfig {
  const given = authKeys.filter((key) => fields[key] !== undefined && fields[key] !== null);
  const fail = (reason: string): never => {
    throw new AppError("APP_CONFIG", `${where}: ${reason}`);
  };
  if (given.length > 1) {
    const all = "basic_auth, authorization, oauth2, sigv4, azuread or google_iam";
    fail(`at most one of ${all} must be configured. Currently configured: [${given.join(" ")}]`);
  }
  const [kind] = given;
  if (kind === undefined || kind === "basic_auth" || kind === "authorization") {
    return { kind: "plain" };
  }
  for (const key of ["bearer_token", "bearer_token_file"]) {
    if ((fields[key] ?? "") !== "") fail(`at most one of ${kind} & ${key} must be configured`);
  }
  const place = `${where}.${kind}`;
  switch (kind) {
    case "oauth2":
      return { kind, options: readOAuth2(fields.oauth2, place, userAgent) };
    case "sigv4":
      return { kind, options: readSigV4(fields.sigv4, place) };
    case "azuread":
      return { kind, options: readAzureAd(fields.azuread, place) };
    case "google_iam":
      return { kind, options: readGoogleIam(fields.google_iam, place) };
  }
}

/** Null where the HTTP client does it all. Throws APP_CONFIG where something needed is missing. */
export function openAuthorizer(config: AuthConfig, deps: AuthorizerDeps): Authorizer | null {
  switch (config.kind) {
    case "plain":
      return null;
    case "oauth2":
      return oauth2Authorizer(config.options, deps);
    case "sigv4":
      return sigv4Authorizer(config.options, deps);
    case "azuread":
      return azureAuthorizer(config.options, deps);
    case "google_iam":
      return googleAuthorizer(config.options);
  }
}
