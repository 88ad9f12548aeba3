// The parts of Prometheus' HTTP API that a sidecar asks for.
import type { IncomingMessage } from "node:http";
import { Labels, type Matcher } from "@deucalion/model";
import { parse } from "yaml";
import { PrometheusError } from "./errors.ts";
import { type HttpClient, readBody } from "./http-client.ts";

/** Largest JSON answer that is read. */
const answerBytesMax = 1 << 30;

/** What `/api/v1/*` answers. */
export interface ApiAnswer {
  readonly data: unknown;
  readonly warnings: readonly string[];
}

export type Params = readonly (readonly [string, string])[];

/** `{a="b",c=~"d"}`, as the API takes selectors. */
export function selectorText(matchers: readonly Matcher[]): string {
  return `{${matchers.map((matcher) => matcher.toString()).join(",")}}`;
}

function secondsText(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** Bounds that Prometheus' parser of times accepts. */
const timeLimitMs = 9_000_000_000_000_000;

export class PrometheusClient {
  readonly #http: HttpClient;
  readonly #base: URL;

  /** `base` is the address given by the user; a path in it is kept. */
  constructor(http: HttpClient, base: URL) {
    this.#http = http;
    this.#base = base;
  }

  get address(): string {
    return this.#base.href;
  }

  #url(path: string, params: Params = []): URL {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    for (const [name, value] of params) url.searchParams.append(name, value);
    return url;
  }

  async #text(
    path: string,
    params: Params,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    const response = await this.#http.send({ method: "GET", url: this.#url(path, params), signal });
    const text = (await readBody(response, answerBytesMax)).toString("utf8");
    return { status: response.statusCode ?? 0, text };
  }

  /** GETs an API route. Throws PROMETHEUS_STATUS with `status` in its data, PROMETHEUS_ANSWER if it is no JSON. */
  async api(path: string, params: Params, signal: AbortSignal): Promise<ApiAnswer> {
    const { status, text } = await this.#text(path, params, signal);
    if (status === 204) return { data: null, warnings: [] };
    let body: { data?: unknown; error?: unknown; warnings?: unknown };
    try {
      body = JSON.parse(text) as typeof body;
    } catch (cause) {
      if (status < 200 || status > 299) throw statusError(status, text, path);
      throw new PrometheusError(
        "PROMETHEUS_ANSWER",
        `${path}: the answer is not JSON`,
        { path },
        { cause },
      );
    }
    if (status < 200 || status > 299) throw statusError(status, String(body.error ?? text), path);
    return {
      data: body.data ?? null,
      warnings: Array.isArray(body.warnings) ? body.warnings.map(String) : [],
    };
  }

  /** `global.external_labels` of the running configuration. */
  async externalLabels(signal: AbortSignal): Promise<Labels> {
    const { data } = await this.api("/api/v1/status/config", [], signal);
    const yaml = (data as { yaml?: unknown } | null)?.yaml;
    if (typeof yaml !== "string")
      throw new PrometheusError("PROMETHEUS_ANSWER", "status/config has no yaml");
    const config = parse(yaml, { logLevel: "silent" }) as {
      global?: { external_labels?: Record<string, unknown> };
    } | null;
    const labels = config?.global?.external_labels ?? {};
    return Labels.from(
      Object.entries(labels).map(([name, value]) => [name, String(value)] as const),
    );
  }

  /** Command-line flags, or null where the server does not show them. */
  async flags(signal: AbortSignal): Promise<Readonly<Record<string, string>> | null> {
    try {
      return (await this.api("/api/v1/status/flags", [], signal)).data as Record<string, string>;
    } catch (thrown) {
      if (thrown instanceof PrometheusError && thrown.data.status === 404) return null;
      throw thrown;
    }
  }

  async version(signal: AbortSignal): Promise<string> {
    const { data } = await this.api("/api/v1/status/buildinfo", [], signal);
    return String((data as { version?: unknown } | null)?.version ?? "");
  }

  /** Makes the server read its configuration again. Throws PROMETHEUS_STATUS unless it answers 200. */
  async reload(signal: AbortSignal): Promise<void> {
    const url = this.#url("/-/reload");
    const response = await this.#http.send({ method: "POST", url, body: "", signal });
    const text = (await readBody(response, 1 << 20)).toString("utf8").trim();
    if (response.statusCode !== 200) throw statusError(response.statusCode ?? 0, text, "/-/reload");
  }

  /** Oldest sample in ms; −Infinity where Prometheus has no block yet or does not tell. */
  async minTime(signal: AbortSignal): Promise<number> {
    const { status, text } = await this.#text("/metrics", [], signal);
    if (status !== 200) throw statusError(status, text, "/metrics");
    const found = /^prometheus_tsdb_lowest_timestamp_seconds (\S+)/m.exec(text);
    if (found === null) return Number.NEGATIVE_INFINITY;
    const seconds = Number(found[1]);
    return seconds >= 9e15 || Number.isNaN(seconds)
      ? Number.NEGATIVE_INFINITY
      : Math.round(seconds * 1000);
  }

  /** Time bounds as parameters; what lies beyond what the API can parse is left out. */
  static window(minTime: number, maxTime: number): Params {
    const params: [string, string][] = [];
    if (minTime > -timeLimitMs) params.push(["start", secondsText(minTime)]);
    if (maxTime < timeLimitMs) params.push(["end", secondsText(maxTime)]);
    return params;
  }

  /** Sends a remote-read request and gives the answer's head; the caller reads the body. */
  async remoteRead(body: Uint8Array, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#http.send({
      method: "POST",
      url: this.#url("/api/v1/read"),
      headers: {
        "content-encoding": "snappy",
        "content-type": "application/x-stream-protobuf",
        "x-prometheus-remote-read-version": "0.1.0",
      },
      body,
      signal,
    });
    if (response.statusCode !== 200) {
      const text = (await readBody(response, 1 << 20)).toString("utf8").trim();
      throw statusError(response.statusCode ?? 0, text, "/api/v1/read");
    }
    return response;
  }
}

function statusError(status: number, text: string, path: string): PrometheusError {
  return new PrometheusError(
    "PROMETHEUS_STATUS",
    `${path}: Prometheus answered ${status}: ${text.slice(0, 500)}`,
    {
      status,
      path,
      text: text.slice(0, 2000),
    },
  );
}
