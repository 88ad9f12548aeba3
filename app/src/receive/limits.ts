// Limits of writing, from their file: of requests, of what is under way at once, of active series.
import { stat } from "node:fs/promises";
import { type Log, messageOf } from "@deucalion/base";
import { Counter, Gauge, type Registry } from "prom-client";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { HttpClient, type HttpClientOptions, readBody } from "../prometheus/http-client.ts";
import { parseHttpClientConfig } from "../prometheus/http-client-config.ts";

/** Limits of one tenant; 0 is no limit. */
export interface RequestLimits {
  readonly sizeBytes: number;
  readonly series: number;
  readonly samples: number;
}

export interface WriteLimits {
  /** Requests at once; 0 is no limit. */
  readonly concurrency: number;
  readonly metaMonitoringUrl: string;
  readonly metaMonitoringQuery: string;
  /** How to ask: authentication and TLS. */
  readonly metaMonitoringClient: HttpClientOptions;
  readonly defaults: RequestLimits & { readonly headSeries: number };
  readonly tenants: ReadonlyMap<string, RequestLimits & { readonly headSeries: number }>;
}

const userAgent = "Deucalion";
const answerBytesMax = 64 * 1024 * 1024;

const noLimits: WriteLimits = {
  concurrency: 0,
  metaMonitoringUrl: "",
  metaMonitoringQuery: "sum(prometheus_tsdb_head_series) by (tenant)",
  metaMonitoringClient: parseHttpClientConfig("", userAgent),
  defaults: { sizeBytes: 0, series: 0, samples: 0, headSeries: 0 },
  tenants: new Map(),
};

function fail(reason: string): never {
  throw new AppError("APP_CONFIG", `parsing limits configuration: ${reason}`);
}

function section(value: unknown, what: string, keys: readonly string[]): Map<string, unknown> {
  if (value === undefined || value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) fail(`${what} is not a map`);
  const fields = new Map(Object.entries(value as Record<string, unknown>));
  for (const key of fields.keys())
    if (!keys.includes(key)) fail(`field ${key} not found in ${what}`);
  return fields;
}

function whole(value: unknown, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== "number" || !Number.isInteger(value))
    fail(`${String(value)} is not a whole number`);
  return value as number;
}

function requestLimits(value: unknown, inherited: RequestLimits): RequestLimits {
  const fields = section(value, "request", ["size_bytes_limit", "series_limit", "samples_limit"]);
  return {
    sizeBytes: whole(fields.get("size_bytes_limit"), inherited.sizeBytes),
    series: whole(fields.get("series_limit"), inherited.series),
    samples: whole(fields.get("samples_limit"), inherited.samples),
  };
}

function clientOf(value: unknown): HttpClientOptions {
  if (value === undefined || value === null) return noLimits.metaMonitoringClient;
  try {
    return parseHttpClientConfig(JSON.stringify(value), userAgent);
  } catch (error) {
    return fail(`meta_monitoring_http_client: ${messageOf(error)}`);
  }
}

/** Parses the file's text; "" is no limits. Throws APP_CONFIG. */
export function parseLimits(text: string): WriteLimits {
  if (text.trim() === "") return noLimits;
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    return fail(messageOf(error));
  }
  const root = section(document, "the file", ["write"]);
  const write = section(root.get("write"), "write", ["global", "default", "tenants"]);
  const global = section(write.get("global"), "global", [
    "max_concurrency",
    "meta_monitoring_url",
    "meta_monitoring_http_client",
    "meta_monitoring_limit_query",
  ]);
  const url = String(global.get("meta_monitoring_url") ?? "");
  if (url !== "" && !/^[a-z]+:\/\/./.test(url)) fail(`${url} is not a valid meta-monitoring URL`);
  const keys = ["request", "head_series_limit"];
  const byDefault = section(write.get("default"), "default", keys);
  const defaults = {
    ...requestLimits(byDefault.get("request"), noLimits.defaults),
    headSeries: whole(byDefault.get("head_series_limit"), 0),
  };
  const tenants = new Map<string, RequestLimits & { readonly headSeries: number }>();
  const named = write.get("tenants") ?? {};
  if (typeof named !== "object" || Array.isArray(named)) fail("tenants is not a map");
  for (const [name, value] of Object.entries(named as Record<string, unknown>)) {
    const fields = section(value, name, keys);
    tenants.set(name, {
      ...requestLimits(fields.get("request"), defaults),
      headSeries: whole(fields.get("head_series_limit"), defaults.headSeries),
    });
  }
  return {
    concurrency: whole(global.get("max_concurrency"), 0),
    metaMonitoringUrl: url,
    metaMonitoringQuery: String(
      global.get("meta_monitoring_limit_query") ?? noLimits.metaMonitoringQuery,
    ),
    metaMonitoringClient: clientOf(global.get("meta_monitoring_http_client")),
    defaults,
    tenants,
  };
}

export interface LimiterDeps {
  readonly log: Log;
  readonly registry: Registry;
  /** Series in the head of a tenant of this process. */
  readonly localSeries: (tenant: string) => number;
}

/** The limits of the moment. */
export class Limiter {
  #limits: WriteLimits;
  readonly #deps: LimiterDeps;
  readonly #read: () => string;
  #text: string;
  #client: { readonly options: HttpClientOptions; readonly http: HttpClient } | null = null;
  #active: ReadonlyMap<string, number> | null = null;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #limited: Counter<"tenant">;
  readonly #limitGauge: Gauge<"tenant">;
  readonly #failedQueries: Counter;
  readonly #reloads: Counter;
  readonly #reloadErrors: Counter;

  /** `read` gives the file's text. Throws APP_CONFIG. */
  constructor(read: () => string, deps: LimiterDeps) {
    this.#read = read;
    this.#deps = deps;
    this.#text = read();
    this.#limits = parseLimits(this.#text);
    const registers = [deps.registry];
    this.#limited = new Counter({
      name: "thanos_receive_head_series_limited_requests_total",
      help: "Requests refused because their tenant has too many active series.",
      labelNames: ["tenant"],
      registers,
    });
    this.#limitGauge = new Gauge({
      name: "thanos_receive_head_series_limit",
      help: "Limit of active series; the tenant is empty for the default.",
      labelNames: ["tenant"],
      registers,
    });
    this.#failedQueries = new Counter({
      name: "thanos_receive_metamonitoring_failed_queries_total",
      help: "Questions for active series that failed.",
      registers,
    });
    this.#reloads = new Counter({
      name: "thanos_receive_limits_config_reload_total",
      help: "Times that changed limits were loaded.",
      registers,
    });
    this.#reloadErrors = new Counter({
      name: "thanos_receive_limits_config_reload_err_total",
      help: "Times that changed limits could not be loaded.",
      registers,
    });
    this.#show();
  }

  #show(): void {
    this.#limitGauge.reset();
    this.#limitGauge.set({ tenant: "" }, this.#limits.defaults.headSeries);
    for (const [tenant, { headSeries }] of this.#limits.tenants) {
      this.#limitGauge.set({ tenant }, headSeries);
    }
  }

  /** Looks at the file again; limits that do not parse leave the old ones. */
  reload(): void {
    try {
      const text = this.#read();
      if (text === this.#text) return;
      this.#limits = parseLimits(text);
      this.#text = text;
      this.#reloads.inc();
      this.#show();
      this.#deps.log.info("limits were loaded again");
    } catch (error) {
      this.#reloadErrors.inc();
      this.#deps.log.error("limits cannot be loaded, the old ones stay", { err: messageOf(error) });
    }
  }

  of(tenant: string): RequestLimits & { readonly headSeries: number } {
    return this.#limits.tenants.get(tenant) ?? this.#limits.defaults;
  }

  /** False if the tenant has as many active series as it may have. */
  mayWrite(tenant: string): boolean {
    const { headSeries } = this.of(tenant);
    if (headSeries <= 0) return true;
    const series =
      this.#limits.metaMonitoringUrl === ""
        ? this.#deps.localSeries(tenant)
        : this.#active?.get(tenant);
    if (series === undefined || series < headSeries) return true;
    this.#limited.inc({ tenant });
    return false;
  }

  /** Asks for the active series of all tenants, where the file says whom. */
  async refresh(): Promise<void> {
    const { metaMonitoringUrl, metaMonitoringQuery, metaMonitoringClient } = this.#limits;
    if (metaMonitoringUrl === "") return;
    try {
      const url = new URL(metaMonitoringUrl);
      url.pathname = `${url.pathname.replace(/\/$/, "")}/api/v1/query`;
      url.searchParams.set("query", metaMonitoringQuery);
      if (this.#client?.options !== metaMonitoringClient) {
        this.#client = {
          options: metaMonitoringClient,
          http: new HttpClient(metaMonitoringClient),
        };
      }
      const body = (await this.#ask(this.#client.http, url)) as {
        readonly data?: {
          readonly result?: readonly {
            readonly metric: Readonly<Record<string, string>>;
            readonly value: readonly [number, string];
          }[];
        };
      };
      const active = new Map<string, number>();
      for (const { metric, value } of body.data?.result ?? []) {
        const tenant = metric.tenant;
        if (tenant !== undefined) active.set(tenant, Number(value[1]));
      }
      this.#active = active;
    } catch (error) {
      this.#failedQueries.inc();
      this.#deps.log.error("the active series of tenants cannot be asked for", {
        err: messageOf(error),
      });
    }
  }

  async #ask(http: HttpClient, url: URL): Promise<unknown> {
    const signal = AbortSignal.timeout(10_000);
    const response = await http.send({ method: "GET", url, signal });
    const text = (await readBody(response, answerBytesMax)).toString();
    const status = response.statusCode ?? 0;
    if (status !== 200) throw new Error(`status ${status}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }

  /** Waits for a place among the requests; give it back with what is returned. */
  async enter(): Promise<() => void> {
    const max = this.#limits.concurrency;
    if (max > 0 && this.#running >= max) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    };
  }
}

/** Time of the last change of a file, 0 if it is not there. */
export async function changedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}
