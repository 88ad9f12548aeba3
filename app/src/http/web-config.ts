// The web configuration file (`--http.config`): TLS, basic authentication, headers, rate limit.
import { readFileSync, statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { ServerOptions } from "node:https";
import { dirname, isAbsolute, join } from "node:path";
import { messageOf } from "@deucalion/base";
import { AppError } from "../errors.ts";
import { cipherList, curveList, tlsVersion } from "../process/tls-names.ts";

/** Why a request is not let in. */
export interface Denial {
  readonly status: number;
  readonly text: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** What the file asks for. */
export interface WebConfig {
  /** `null` is plain HTTP. */
  readonly tls: ServerOptions | null;
  readonly headers: readonly (readonly [string, string])[];
  /** `null` lets the request in. */
  deny(request: IncomingMessage): Promise<Denial | null>;
  /** Calls `listener` when certificates changed. */
  onTls(listener: (tls: ServerOptions) => void): void;
}

/** No file: everything is let in. */
export const openWebConfig: WebConfig = {
  tls: null,
  headers: [],
  deny: () => Promise.resolve(null),
  onTls: () => undefined,
};

const keys: Readonly<Record<string, readonly string[]>> = {
  "": ["tls_server_config", "http_server_config", "rate_limit", "basic_auth_users"],
  tls_server_config: [
    "cert",
    "key",
    "client_ca",
    "cert_file",
    "key_file",
    "client_ca_file",
    "client_auth_type",
    "client_allowed_sans",
    "cipher_suites",
    "curve_preferences",
    "min_version",
    "max_version",
    "prefer_server_cipher_suites",
  ],
  http_server_config: ["http2", "headers"],
  rate_limit: ["burst", "interval"],
};
const headerNames = [
  "Strict-Transport-Security",
  "X-Content-Type-Options",
  "X-Frame-Options",
  "X-XSS-Protection",
  "Content-Security-Policy",
];

type Section = Readonly<Record<string, unknown>>;

function fail(message: string): never {
  throw new AppError("APP_CONFIG", `server could not be started: ${message}`);
}

function section(value: unknown, name: string): Section {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object") fail(`${name || "web configuration"} is not a map`);
  const allowed = keys[name];
  for (const key of Object.keys(value)) {
    if (allowed !== undefined && !allowed.includes(key))
      fail(`field ${key} not found in ${name || "web configuration"}`);
  }
  return value as Section;
}

function tlsOptions(tls: Section, dir: string): ServerOptions | null {
  const text = (name: string): string => (typeof tls[name] === "string" ? tls[name] : "");
  const material = (name: string): string => {
    const file = text(`${name}_file`);
    if (file !== "" && text(name) !== "") fail(`only one of ${name} and ${name}_file may be set`);
    if (file === "") return text(name);
    try {
      return readFileSync(isAbsolute(file) ? file : join(dir, file), "utf8");
    } catch (cause) {
      return fail(messageOf(cause));
    }
  };
  const cert = material("cert");
  const key = material("key");
  const ca = material("client_ca");
  const auth = text("client_auth_type");
  if (cert === "" && key === "" && ca === "" && auth === "") return null;
  if (cert === "") fail("missing one of cert or cert_file");
  if (key === "") fail("missing one of key or key_file");
  if (ca !== "" && (auth === "" || auth === "NoClientCert")) {
    fail("client CA's have been configured without a Client Auth Policy");
  }
  const kinds = [
    "",
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "RequireClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
  ];
  if (!kinds.includes(auth)) fail(`invalid ClientAuth: ${auth}`);
  const names = <T>(translate: () => T): T => {
    try {
      return translate();
    } catch (error) {
      return fail(messageOf(error));
    }
  };
  const list = (name: string): string[] =>
    Array.isArray(tls[name]) ? (tls[name] as unknown[]).map(String) : [];
  const ciphers = names(() => cipherList(list("cipher_suites")));
  const groups = names(() => curveList(list("curve_preferences")));
  return {
    cert,
    key,
    minVersion: names(() => tlsVersion(text("min_version") || "TLS12")),
    maxVersion: names(() => tlsVersion(text("max_version") || "TLS13")),
    requestCert: auth !== "" && auth !== "NoClientCert",
    rejectUnauthorized: auth === "RequireAndVerifyClientCert",
    ...(ca === "" ? {} : { ca }),
    ...(ciphers === "" ? {} : { ciphers }),
    ...(groups === "" ? {} : { ecdhCurve: groups }),
  };
}

/** A bucket of tokens; the bucket is full at first. */
function rateLimiter(limit: Section): () => boolean {
  const burst = typeof limit.burst === "number" ? limit.burst : 0;
  const interval = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(limit.interval ?? ""));
  if (interval === null) return () => true;
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[interval[2] as "ms" | "s" | "m" | "h"];
  const every = Number(interval[1]) * unit;
  let tokens = burst;
  let last = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + (now - last) / every);
    last = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** Who may come in. Passwords that were right once are remembered by their hash. */
function basicAuth(
  users: ReadonlyMap<string, string>,
): (request: IncomingMessage) => Promise<Denial | null> {
  const known = new Map<string, boolean>();
  const denial: Denial = {
    status: 401,
    text: "Unauthorized",
    headers: [["WWW-Authenticate", "Basic"]],
  };
  return async (request) => {
    const found = /^basic (.+)$/i.exec(request.headers.authorization ?? "");
    if (found === null) return denial;
    const pair = Buffer.from(found[1]!, "base64").toString("utf8");
    const seen = known.get(pair);
    if (seen !== undefined) return seen ? null : denial;
    const at = pair.indexOf(":");
    const { compare } = await import("bcryptjs");
    // An unknown user costs as much time as a wrong password.
    const unknown = "$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5QWQcLxVE3nL5nWx1Qz5bWq0Nq6yW";
    const hash = users.get(pair.slice(0, at));
    const right = (await compare(pair.slice(at + 1), hash ?? unknown)) && hash !== undefined;
    if (known.size >= 100) known.clear();
    known.set(pair, right);
    return right ? null : denial;
  };
}

/** Reads the file once. Throws APP_CONFIG. */
async function readWebConfig(path: string): Promise<WebConfig> {
  const { parse } = await import("yaml");
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    return fail(messageOf(cause));
  }
  const config = section(raw, "");
  const http = section(config.http_server_config, "http_server_config");
  const headers = Object.entries((http.headers ?? {}) as Record<string, unknown>);
  for (const [name] of headers)
    if (!headerNames.includes(name)) fail(`HTTP header ${name} can not be configured`);
  const users = new Map(
    Object.entries((config.basic_auth_users ?? {}) as Record<string, unknown>).map(
      ([user, hash]) => [user, String(hash)] as const,
    ),
  );
  for (const [user, hash] of users)
    if (!/^\$2[abxy]?\$\d\d\$.{53}$/.test(hash))
      fail(`basic_auth_users: ${user} has no bcrypt hash`);
  const allowed = rateLimiter(section(config.rate_limit, "rate_limit"));
  const auth = users.size === 0 ? () => Promise.resolve(null) : basicAuth(users);
  return {
    tls: tlsOptions(section(config.tls_server_config, "tls_server_config"), dirname(path)),
    headers: headers.map(([name, value]) => [name, String(value)] as const),
    deny: (request) =>
      allowed()
        ? auth(request)
        : Promise.resolve({ status: 429, text: "Too Many Requests", headers: [] }),
    onTls: () => undefined,
  };
}

/** The file's state, and that of the certificates it names: what tells that something changed. */
function stampOf(path: string): string {
  const files = [path];
  try {
    const text = readFileSync(path, "utf8");
    for (const found of text.matchAll(
      /\b(?:cert|key|client_ca)_file["']?\s*:\s*["']?([^"'\s,}]+)/g,
    )) {
      files.push(isAbsolute(found[1]!) ? found[1]! : join(dirname(path), found[1]!));
    }
    return files.map((file) => `${statSync(file).mtimeMs}:${statSync(file).size}`).join(" ");
  } catch {
    return "";
  }
}

/** How often the file is looked at while requests come, in ms. */
const lookEveryMs = 1000;

/** Reads the file, and again when it changed; bad content keeps what was there. "" is no file. Throws APP_CONFIG. */
export async function loadWebConfig(path: string): Promise<WebConfig> {
  if (path === "") return openWebConfig;
  let stamp = stampOf(path);
  let current = await readWebConfig(path);
  let looked = performance.now();
  const listeners: ((tls: ServerOptions) => void)[] = [];
  const look = async (): Promise<void> => {
    if (performance.now() - looked < lookEveryMs) return;
    looked = performance.now();
    const now = stampOf(path);
    if (now === stamp || now === "") return;
    stamp = now;
    try {
      current = await readWebConfig(path);
    } catch {
      return;
    }
    if (current.tls !== null) for (const listener of listeners) listener(current.tls);
  };
  return {
    get tls() {
      return current.tls;
    },
    get headers() {
      return current.headers;
    },
    deny: async (request) => {
      await look();
      return current.deny(request);
    },
    onTls: (listener) => void listeners.push(listener),
  };
}
