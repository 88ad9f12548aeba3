// Sends requests to stores that are spoken to over plain HTTP, again and again until one is answered.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "@deucalion/base";
import { ObjstoreError } from "../errors.ts";
import type { RemoteBody } from "../remote/remote-bucket.ts";
import { type Agents, createAgents } from "./agents.ts";
import type { HttpConfig } from "./http-config.ts";

export interface StoreRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Attempts in all where it is not the transport's. */
  readonly attemptsMax?: number;
  readonly signal: AbortSignal;
}

export interface StoreResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: IncomingMessage;
}

export interface TransportOptions {
  readonly http: HttpConfig;
  /** Requests in all, the first included. */
  readonly attemptsMax: number;
  /** Shortest wait before the second attempt; doubles up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  readonly userAgent: string;
}

export const transportDefaults: Omit<TransportOptions, "http" | "userAgent"> = {
  attemptsMax: 10,
  retryMs: 200,
  retryMaxMs: 10_000,
};

/** Answers that say "later". */
const retried = new Set([408, 429, 500, 502, 503, 504]);

/** Adds what proves who is asking, for each attempt anew. */
export type Authorize = (
  request: StoreRequest,
) => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;

/** One pool of connections with retries. `send` leaves reading the body to the caller. */
export class HttpTransport {
  readonly #options: TransportOptions;
  readonly #agents: Agents;
  readonly #authorize: Authorize;

  constructor(options: TransportOptions, authorize: Authorize) {
    this.#options = options;
    this.#agents = createAgents(options.http);
    this.#authorize = authorize;
  }

  /** Any status that is not "later" is an answer. Throws OBJSTORE_IO when all attempts failed. */
  async send(request: StoreRequest): Promise<StoreResponse> {
    const { retryMs, retryMaxMs } = this.#options;
    const attemptsMax = request.attemptsMax ?? this.#options.attemptsMax;
    for (let attempt = 1; ; attempt++) {
      request.signal.throwIfAborted();
      try {
        const response = await this.#once(request);
        if (!retried.has(response.status) || attempt >= attemptsMax) return response;
        response.body.resume();
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason;
        if (
          attempt >= attemptsMax ||
          (error instanceof ObjstoreError && error.code === "OBJSTORE_CONFIG")
        )
          throw new ObjstoreError(
            "OBJSTORE_IO",
            `${request.method} ${request.url.origin}${request.url.pathname}: ${messageOf(error)}`,
            { attempt },
            { cause: error },
          );
      }
      const limit = Math.min(retryMaxMs, retryMs * 2 ** (attempt - 1));
      await pause(limit * (0.5 + Math.random() / 2), undefined, { signal: request.signal }).catch(
        () => undefined,
      );
    }
  }

  async #once(request: StoreRequest): Promise<StoreResponse> {
    const secure = request.url.protocol === "https:";
    const { body } = request;
    const headers = {
      "user-agent": this.#options.userAgent,
      ...request.headers,
      ...(body === undefined && (request.method === "GET" || request.method === "HEAD")
        ? {}
        : { "content-length": String(body?.length ?? 0) }),
    };
    const proof = await this.#authorize({ ...request, headers });
    const waitMs = this.#options.http.responseHeaderTimeoutMs;
    return new Promise((resolve, reject) => {
      const call = (secure ? httpsRequest : httpRequest)(request.url, {
        method: request.method,
        agent: secure ? this.#agents.https : this.#agents.http,
        headers: { ...headers, ...proof },
      });
      const timer =
        waitMs === 0
          ? undefined
          : setTimeout(() => call.destroy(new Error(`no answer within ${waitMs} ms`)), waitMs);
      // Node's own `signal` watches the request by three more listeners.
      const stop = (): void => void call.destroy(request.signal.reason as Error);
      if (request.signal.aborted) stop();
      else request.signal.addEventListener("abort", stop, { once: true });
      call.on("close", () => request.signal.removeEventListener("abort", stop));
      call.on("response", (response) => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
      });
      call.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      call.end(body);
    });
  }

  close(): void {
    this.#agents.close();
  }
}

/** Reads a short body as text; what is beyond `bytesMax` is dropped. */
export async function readText(response: StoreResponse, bytesMax = 64 << 20): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response.body as AsyncIterable<Buffer>) {
    if (bytes < bytesMax) parts.push(part);
    bytes += part.length;
  }
  return Buffer.concat(parts).toString("utf8").slice(0, bytesMax);
}

/** A body whose announced length is that of its headers. */
export function remoteBody(response: StoreResponse, etag: string): RemoteBody {
  return {
    body: response.body as AsyncIterable<Uint8Array>,
    length: Number(response.headers["content-length"] ?? 0),
    etag,
    cancel: () => response.body.destroy(),
  };
}

/** OBJSTORE_IO with the status and what the store says. Reads the body. */
export async function statusError(
  what: string,
  name: string,
  response: StoreResponse,
): Promise<ObjstoreError> {
  const text = (await readText(response, 4096).catch(() => "")).trim();
  return new ObjstoreError(
    "OBJSTORE_IO",
    `${what} ${name}: the store answered ${response.status}${text === "" ? "" : `: ${text.slice(0, 500)}`}`,
    { name, status: response.status },
  );
}

/** Object names keep their slashes in paths. */
export function pathOf(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}
