// Which HTTP requests are logged, and how: `--request.logging-config`.
import { type Log, messageOf } from "@deucalion/base";
import { AppError } from "../../errors.ts";
import type { Exchange } from "../exchange.ts";

/** Logs requests as the configuration says. */
export interface RequestLogger {
  started(name: string, exchange: Exchange): void;
  finished(name: string, exchange: Exchange, ms: number): void;
}

/** Logs nothing. */
export const noRequestLogger: RequestLogger = {
  started: () => undefined,
  finished: () => undefined,
};

type Level = "INFO" | "DEBUG" | "ERROR" | "WARNING";
const rank: Readonly<Record<Level, number>> = { ERROR: 0, WARNING: 3, INFO: 2, DEBUG: 3 };

interface Options {
  readonly level?: string;
  readonly decision?: { readonly log_start?: boolean; readonly log_end?: boolean };
}

interface Config {
  readonly options?: Options;
  readonly http?: {
    readonly options?: Options;
    readonly config?: readonly { readonly path?: string; readonly port?: number }[];
  };
  readonly grpc?: unknown;
}

function fail(message: string): never {
  throw new AppError("APP_CONFIG", `error while parsing config for request logging: ${message}`);
}

function onlyKeys(value: unknown, keys: readonly string[], where: string): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) fail(`field ${key} not found in ${where}`);
  }
}

function checked(raw: unknown): Config {
  const config = (raw ?? {}) as Config;
  onlyKeys(config, ["options", "http", "grpc"], "the configuration");
  for (const options of [config.options, config.http?.options]) {
    onlyKeys(options, ["level", "decision"], "options");
    onlyKeys(options?.decision, ["log_start", "log_end"], "decision");
  }
  onlyKeys(config.http, ["options", "config"], "http");
  onlyKeys(config.grpc, ["options", "config"], "grpc");
  for (const entry of config.http?.config ?? []) onlyKeys(entry, ["path", "port"], "config");
  return config;
}

/** Reads the configuration; "" logs nothing. Throws APP_CONFIG. */
export async function createRequestLogger(text: string, log: Log): Promise<RequestLogger> {
  if (text.trim() === "") return noRequestLogger;
  const { parse } = await import("yaml");
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (cause) {
    fail(messageOf(cause));
  }
  const config = checked(raw);
  const options = { ...config.options, ...config.http?.options };
  const { log_start: start = false, log_end: end = false } = options.decision ?? {};
  const level = (options.level ?? "") as Level | "";
  if (level === "" && (start || end)) fail("log level must be set to make decision");
  if (level !== "" && !(level in rank)) fail(`log level ${level} is not supported`);
  if (start && !end) fail("log start call is not supported");
  const only = (config.http?.config ?? []).map(
    (entry) => `${entry.path ?? ""}:${entry.port ?? ""}`,
  );
  const highest = rank[level === "" ? "ERROR" : level];
  return httpLogger(log.with({ protocol: "http", "http.component": "server" }), {
    start,
    end,
    only,
    highest,
  });
}

function httpLogger(
  log: Log,
  rules: {
    readonly start: boolean;
    readonly end: boolean;
    readonly only: readonly string[];
    readonly highest: number;
  },
): RequestLogger {
  const wanted = (exchange: Exchange): boolean => {
    if (rules.only.length === 0) return true;
    const port = /:(\d+)$/.exec(exchange.header("host"))?.[1];
    const url = exchange.request.url ?? "";
    return rules.only.includes(port === undefined ? url : `${url}:${port}`);
  };
  const fields = (name: string, exchange: Exchange) => ({
    "http.method": `${exchange.method} ${exchange.request.url ?? ""}`,
    "http.request_id": exchange.requestId,
    "http.user_agent": exchange.header("user-agent"),
    "thanos.method_name": name,
  });
  return {
    started: (name, exchange) => {
      if (!rules.start || rules.highest < rank.DEBUG || !wanted(exchange)) return;
      log.debug("started call", {
        "http.start_time": new Date().toISOString(),
        ...fields(name, exchange),
      });
    },
    finished: (name, exchange, ms) => {
      if (!rules.end || !wanted(exchange)) return;
      const status = exchange.response.statusCode;
      const failed = status < 200 || status >= 500;
      if (!failed && rules.highest < rank.DEBUG) return;
      const line = {
        ...fields(name, exchange),
        "http.status_code": String(status),
        "http.time_ms": String(ms),
        "http.remote_addr":
          exchange.header("x-forwarded-for") || (exchange.request.socket.remoteAddress ?? ""),
      };
      if (failed) log.error("finished call", line);
      else log.debug("finished call", line);
    },
  };
}
