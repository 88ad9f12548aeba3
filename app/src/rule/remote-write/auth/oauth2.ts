// OAuth 2.0: tokens for a client's secret, or for a JWT that it signs (RFC 7523).
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { HttpClient } from "../../../prometheus/http-client.ts";
import { RuleError } from "../../errors.ts";
import { askToken, type GivenToken, keptToEnd } from "./ask-token.ts";
import type { Authorizer, AuthorizerDeps } from "./authorizer.ts";
import { ExpiringValue } from "./expiring.ts";
import { type JwtOptions, jwtBearer, type OAuth2Options } from "./oauth2-config.ts";

/** A JWT lives so long. */
const jwtSeconds = 600;

function refused(text: string, cause?: unknown): never {
  throw new RuleError("RULE_AUTH", text, { status: 0 }, { cause });
}

function segment(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A signed JWT (RFC 7519). `claims` win over those that are the same for all. Throws RULE_AUTH where the key is none. */
export function signJwt(
  { keyId, algorithm }: Pick<JwtOptions, "keyId" | "algorithm">,
  key: string,
  claims: Readonly<Record<string, unknown>>,
  nowMs: number,
): string {
  const issued = Math.floor(nowMs / 1000);
  const header = { alg: algorithm, typ: "JWT", ...(keyId === "" ? {} : { kid: keyId }) };
  const body = { jti: randomUUID(), iat: issued, exp: issued + jwtSeconds, ...claims };
  const text = `${segment(header)}.${segment(body)}`;
  try {
    const hash = `RSA-SHA${algorithm.slice(2)}`;
    return `${text}.${sign(hash, Buffer.from(text), createPrivateKey(key)).toString("base64url")}`;
  } catch (cause) {
    return refused(`the private key cannot sign: ${messageOf(cause)}`, cause);
  }
}

/** `encodeURIComponent` as Go's QueryEscape has it, for the parts of basic auth. */
function formText(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

class OAuth2Tokens {
  readonly #options: OAuth2Options;
  readonly #client: HttpClient;
  /** Where the client's name and secret go; unknown before the first success. */
  #style: "header" | "form" | undefined;

  constructor(options: OAuth2Options, client: HttpClient) {
    this.#options = options;
    this.#client = client;
  }

  async ask(secret: string, nowMs: number, signal: AbortSignal): Promise<GivenToken> {
    if (this.#options.jwt !== null) return this.#askJwt(this.#options.jwt, secret, nowMs, signal);
    if (this.#style !== undefined) return this.#askSecret(this.#style, secret, signal);
    // Servers differ in what they take, and in how they refuse: both ways are tried.
    try {
      const token = await this.#askSecret("header", secret, signal);
      this.#style = "header";
      return token;
    } catch {
      const token = await this.#askSecret("form", secret, signal);
      this.#style = "form";
      return token;
    }
  }

  #form(fields: Readonly<Record<string, string>>): URLSearchParams {
    const { scopes, params } = this.#options;
    const form = new URLSearchParams(fields);
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    for (const [name, value] of Object.entries(params)) {
      if (form.has(name) && name !== "grant_type") {
        refused(`oauth2: cannot overwrite parameter ${JSON.stringify(name)}`);
      }
      form.set(name, value);
    }
    return form;
  }

  #askSecret(style: "header" | "form", secret: string, signal: AbortSignal): Promise<GivenToken> {
    const { clientId, tokenUrl: url } = this.#options;
    const form = this.#form({ grant_type: "client_credentials" });
    if (style === "form") {
      form.set("client_id", clientId);
      if (secret !== "") form.set("client_secret", secret);
      return askToken(this.#client, { method: "POST", url, form }, signal);
    }
    const pair = Buffer.from(`${formText(clientId)}:${formText(secret)}`).toString("base64");
    const headers = { authorization: `Basic ${pair}` };
    return askToken(this.#client, { method: "POST", url, headers, form }, signal);
  }

  #askJwt(jwt: JwtOptions, key: string, nowMs: number, signal: AbortSignal): Promise<GivenToken> {
    const { clientId, scopes, tokenUrl: url } = this.#options;
    const claims = {
      iss: jwt.issuer,
      sub: clientId,
      aud: jwt.audience,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
      ...jwt.claims,
    };
    const assertion = signJwt(jwt, key, claims, nowMs);
    const form = this.#form({ grant_type: jwtBearer, assertion });
    return askToken(this.#client, { method: "POST", url, form }, signal);
  }
}

/** Asks for tokens of one client; one is kept until shortly before its end, or until the file of the secret changes. */
export function oauth2Authorizer(options: OAuth2Options, { now }: AuthorizerDeps): Authorizer {
  const client = new HttpClient(options.client);
  const tokens = new OAuth2Tokens(options, client);
  let secret = options.secret;
  const cache = new ExpiringValue(
    async (signal) => keptToEnd(await tokens.ask(secret, now(), signal), now()),
    now,
  );
  const readSecret = (): void => {
    if (options.secretFile === "") return;
    try {
      const read = readFileSync(options.secretFile, "utf8").trim();
      if (read !== secret) cache.drop();
      secret = read;
    } catch (cause) {
      refused(`unable to read oauth2 client secret: ${messageOf(cause)}`, cause);
    }
  };
  return {
    authorize: async (_request, signal) => {
      readSecret();
      return { authorization: await cache.get(signal) };
    },
    close: () => client.close(),
  };
}
