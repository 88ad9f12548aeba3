// The HTTP client towards the querier: pooled connections, retries, and requests handed on as they are.
import { readFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { messageOf } from "@deucalion/base";
import type { Exchange } from "../http/exchange.ts";
import type { DownstreamOptions } from "./downstream-config.ts";
import { DownstreamAnswer, FrontendError } from "./errors.ts";

/** A request of ours. */
export interface DownstreamCall {
  readonly method: "GET" | "POST";
  /** Path below that of the querier's URL. */
  readonly path: string;
  readonly params: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly triesMax: number;
  readonly signal: AbortSignal;
  /** Told how often a request was sent. */
  readonly onTries?: (tries: number) => void;
}

const connectionHeaders = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
]);

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

async function wholeBody(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** A query that ran into its time limit would do so again, at the cost of another such time. */
function isTimeout(body: Buffer): boolean {
  return body.length < 65_536 && /"errorType":\s*"timeout"/.test(body.toString("utf8"));
}

/** A success of the querier. */
export interface DownstreamReply {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: IncomingMessage["headers"];
}

/** Sends requests to one querier. `close()` ends its connections. */
export class Downstream {
  readonly #url: URL;
  readonly #options: DownstreamOptions;
  readonly #agent: HttpAgent;
  readonly #secure: boolean;
  readonly #tls: Readonly<Record<string, unknown>>;

  /** Throws what reading the TLS files throws. */
  constructor(url: URL, options: DownstreamOptions) {
    this.#url = url;
    this.#options = options;
    this.#secure = url.protocol === "https:";
    const { tls } = options;
    const settings = {
      keepAlive: true,
      // Ends idle connections only.
      timeout: options.idleTimeoutMs,
      maxSockets: options.connectionsMax || Number.POSITIVE_INFINITY,
      maxFreeSockets: options.idleConnectionsMax,
    };
    this.#tls = {
      rejectUnauthorized: !tls.insecureSkipVerify,
      ...(tls.caFile === "" ? {} : { ca: readFileSync(tls.caFile) }),
      ...(tls.certFile === ""
        ? {}
        : { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }),
      ...(tls.serverName === "" ? {} : { servername: tls.serverName }),
    };
    this.#agent = this.#secure
      ? new HttpsAgent({ ...settings, ...this.#tls })
      : new HttpAgent(settings);
  }

  #target(path: string): string {
    const base = this.#url.pathname.replace(/\/$/, "");
    return path.startsWith("/") ? base + path : `${base}/${path}`;
  }

  #open(
    method: string,
    path: string,
    headers: Readonly<Record<string, string | string[]>>,
    signal: AbortSignal,
  ) {
    const { hostname, port, protocol } = this.#url;
    return (this.#secure ? httpsRequest : httpRequest)({
      protocol,
      ...(this.#options.socketPath === undefined ? {} : { socketPath: this.#options.socketPath }),
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      ...(port === "" ? {} : { port }),
      path: this.#target(path),
      method,
      agent: this.#agent,
      headers: { ...headers },
      signal,
      ...(this.#secure ? this.#tls : {}),
    });
  }

  #once(call: DownstreamCall): Promise<DownstreamReply> {
    const text = call.params.toString();
    const withBody = call.method === "POST";
    const path = withBody || text === "" ? call.path : `${call.path}?${text}`;
    const headers = {
      ...call.headers,
      ...(withBody
        ? {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": String(Buffer.byteLength(text)),
          }
        : {}),
    };
    return new Promise((resolve, reject) => {
      const request = this.#open(call.method, path, headers, call.signal);
      const { headerTimeoutMs } = this.#options;
      const timer =
        headerTimeoutMs > 0
          ? setTimeout(
              () => request.destroy(new Error("timeout awaiting response headers")),
              headerTimeoutMs,
            )
          : undefined;
      request.on("close", () => clearTimeout(timer));
      request.on("error", reject);
      request.on("response", (response) => {
        clearTimeout(timer);
        wholeBody(response).then((body) => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve({ status, body, headers: response.headers });
          else reject(new DownstreamAnswer(status, body, response.headers["content-type"] ?? ""));
        }, reject);
      });
      request.end(withBody ? text : undefined);
    });
  }

  /**
   * Sends a request, again after failures of the querier and of the network. Throws DownstreamAnswer for what is no
   * success, FRONTEND_UNREACHABLE, and the signal's reason.
   */
  async call(call: DownstreamCall): Promise<DownstreamReply> {
    for (let tries = 1; ; tries++) {
      call.signal.throwIfAborted();
      try {
        const reply = await this.#once(call);
        call.onTries?.(tries);
        return reply;
      } catch (error) {
        call.signal.throwIfAborted();
        const final =
          tries >= call.triesMax ||
          (error instanceof DownstreamAnswer && (error.status < 500 || isTimeout(error.body)));
        if (final) {
          call.onTries?.(tries);
          if (error instanceof DownstreamAnswer) throw error;
          throw new FrontendError(
            "FRONTEND_UNREACHABLE",
            `the querier does not answer: ${messageOf(error)}`,
            { url: this.#url.origin, tries },
            { cause: error },
          );
        }
        // Not all at once: half of the time is left to chance.
        const most = Math.min(2000, 200 * 2 ** (tries - 1));
        await wait(most / 2 + (Math.random() * most) / 2, call.signal);
      }
    }
  }

  /** Hands a request on as it is, and its answer back. `changes` replace headers; "" removes one. */
  forward(exchange: Exchange, changes: Readonly<Record<string, string>>): Promise<void> {
    const { request, response, signal } = exchange;
    const headers: Record<string, string | string[]> = { host: this.#url.host };
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined && !connectionHeaders.has(name)) headers[name] = value;
    }
    for (const [name, value] of Object.entries(changes)) {
      if (value === "") delete headers[name.toLowerCase()];
      else headers[name.toLowerCase()] = value;
    }
    // A body whose length is not known is sent in chunks again.
    if (request.headers["transfer-encoding"] !== undefined)
      headers["transfer-encoding"] = "chunked";
    return new Promise((resolve, reject) => {
      const sent = this.#open(exchange.method, request.url ?? "/", headers, signal);
      sent.on("error", (error) =>
        reject(
          signal.aborted
            ? error
            : new FrontendError("FRONTEND_UNREACHABLE", messageOf(error), {}, { cause: error }),
        ),
      );
      sent.on("response", (answer) => {
        for (const [name, value] of Object.entries(answer.headers)) {
          if (value !== undefined && !connectionHeaders.has(name)) response.setHeader(name, value);
        }
        response.writeHead(answer.statusCode ?? 502);
        answer.on("error", () => response.destroy());
        response.on("close", () => resolve());
        answer.pipe(response);
      });
      request.pipe(sent);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
