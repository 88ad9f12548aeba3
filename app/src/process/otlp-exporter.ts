// Sends finished spans to an OpenTelemetry collector, in batches, by HTTP or gRPC.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Log, messageOf } from "@deucalion/base";
import { Channel } from "@deucalion/rpc";
import { HttpClient, httpClientDefaults, readBody } from "../prometheus/http-client.ts";
import type { OtlpConfig } from "./otlp-config.ts";
import { encodeSpans, type FinishedSpan } from "./otlp-spans.ts";

const compress = promisify(gzip);
const grpcPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** A batch is sent when it is full, and after so long. */
const batchSpansMax = 512;
const batchEveryMs = 5000;
/** Spans that wait; when full, further ones are dropped and counted. */
const queueSpansMax = 2048;

/** Sends one encoded request. */
type Send = (request: Uint8Array, signal: AbortSignal) => Promise<void>;

function httpSender(config: OtlpConfig): { send: Send; close: () => void } {
  const { endpoint, insecure, urlPath, headers, tls } = config;
  const scheme = insecure ? "http" : "https";
  const base = /^https?:\/\//.test(endpoint) ? endpoint : `${scheme}://${endpoint}`;
  const url = new URL(urlPath, base);
  const client = new HttpClient({ ...httpClientDefaults, tls });
  const send: Send = async (request, signal) => {
    const body = config.gzip ? await compress(request) : request;
    const response = await client.send({
      method: "POST",
      url,
      headers: {
        "content-type": "application/x-protobuf",
        ...(config.gzip ? { "content-encoding": "gzip" } : {}),
        ...headers,
      },
      body,
      signal,
    });
    const text = (await readBody(response, 1 << 20)).toString("utf8");
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299)
      throw new Error(`the collector answered ${status}: ${text.slice(0, 200)}`);
  };
  return { send, close: () => client.close() };
}

function grpcSender(config: OtlpConfig): { send: Send; close: () => void } {
  const channel = new Channel(config.endpoint.replace(/^https?:\/\//, ""), {
    tls: config.insecure ? null : config.tls,
  });
  const metadata = Object.fromEntries(
    Object.entries(config.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const send: Send = async (request, signal) => {
    const { timeoutMs } = config;
    await channel.unary(grpcPath, request, { signal, timeoutMs, metadata, waitForReady: true });
  };
  return { send, close: () => channel.close() };
}

/** Keeps spans until they are sent. A batch that cannot be delivered is dropped, with a warning. */
export class OtlpExporter {
  readonly #timeoutMs: number;
  readonly #resource: Readonly<Record<string, string>>;
  readonly #sender: { send: Send; close: () => void };
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #queue: FinishedSpan[] = [];
  #dropped = 0;
  #sending: Promise<void> | null = null;

  constructor(config: OtlpConfig, log: Log) {
    this.#timeoutMs = config.timeoutMs;
    this.#resource = { "service.name": config.serviceName, ...config.resourceAttributes };
    this.#sender = config.client === "http" ? httpSender(config) : grpcSender(config);
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), batchEveryMs);
    this.#timer.unref();
  }

  add(span: FinishedSpan): void {
    if (this.#queue.length >= queueSpansMax) this.#dropped++;
    else this.#queue.push(span);
    if (this.#queue.length >= batchSpansMax) void this.flush();
  }

  /** Sends what waits; one batch at a time. Never throws. */
  flush(): Promise<void> {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, batchSpansMax);
      try {
        const request = encodeSpans(this.#resource, batch);
        await this.#sender.send(request, AbortSignal.timeout(this.#timeoutMs));
      } catch (error) {
        this.#log.warn("traces could not be exported", {
          err: messageOf(error),
          spans: batch.length,
        });
      }
    }
    if (this.#dropped > 0) this.#log.warn("spans were dropped", { spans: this.#dropped });
    this.#dropped = 0;
  }

  /** Sends what is left and ends connections. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    this.#sender.close();
  }
}
