// The HTTP server of a component: routes, metrics and logs of requests, start and graceful stop.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type Log, messageOf } from "@deucalion/base";
import findMyWay, { type FindResult, type HTTPMethod, type HTTPVersion } from "find-my-way";
import type { Registry } from "prom-client";
import type { Prober } from "../process/prober.ts";
import type { Actor } from "../process/run-group.ts";
import type { HttpOptions } from "../process/service-options.ts";
import type { Tracer } from "../process/tracing.ts";
import { acceptH2c, type H2cSessions } from "./accept-h2c.ts";
import { ApiError } from "./answers/api-error.ts";
import { type ApiReply, respond, respondError } from "./answers/envelope.ts";
import { respondText } from "./answers/text-response.ts";
import { Exchange } from "./exchange.ts";
import { listen } from "./listen-address.ts";
import { readablePath } from "./requests/percent-path.ts";
import type { RequestLogger } from "./requests/request-logging.ts";
import { RequestMetrics } from "./requests/request-metrics.ts";
import type { WebConfig } from "./web-config.ts";

export interface HttpServerDeps {
  readonly component: string;
  readonly log: Log;
  readonly registry: Registry;
  readonly prober: Prober;
  readonly tracer: Tracer;
  readonly requestLogger: RequestLogger;
  readonly webConfig: WebConfig;
}

/** Answers by itself. */
export type RawHandler = (exchange: Exchange) => void | Promise<void>;
/** Gives data for the envelope; null is "204 No Content". Throws ApiError. */
export type ApiHandler = (exchange: Exchange) => ApiReply | null | Promise<ApiReply | null>;

const corsHeaders: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Headers": "Accept, Accept-Encoding, Authorization, Content-Type, Origin",
  "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "Date",
};

interface Route {
  readonly name: string;
  readonly handler: RawHandler;
}

const allMethods: readonly HTTPMethod[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
];

/** Serves routes until it is stopped; an actor of the run group. */
export class HttpServer implements Actor {
  readonly name = "http";
  readonly #options: HttpOptions;
  readonly #deps: HttpServerDeps;
  readonly #log: Log;
  readonly #router = findMyWay({ maxParamLength: 1 << 20 });
  readonly #metrics: RequestMetrics;
  readonly #server: Server;
  #h2c: H2cSessions | undefined;
  #address = "";
  #closed: () => void = () => undefined;

  constructor(options: HttpOptions, deps: HttpServerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#log = deps.log.with({ service: "http/server", component: deps.component });
    this.#metrics = new RequestMetrics(deps.registry);
    const settings = { maxHeaderSize: 1 << 20, keepAliveTimeout: 300_000, requestTimeout: 300_000 };
    const tls = deps.webConfig.tls;
    const onRequest = (request: IncomingMessage, response: ServerResponse) =>
      void this.#serve(request, response);
    if (tls === null) this.#server = createServer(settings, onRequest);
    else {
      const secure = createTlsServer({ ...settings, ...tls }, onRequest);
      deps.webConfig.onTls((changed) => secure.setSecureContext(changed));
      this.#server = secure;
    }
  }

  /** Also takes HTTP/2 without TLS from clients that begin with it; nothing with TLS. Call it before `start`. */
  enableH2c(): void {
    if (this.#deps.webConfig.tls !== null || this.#h2c !== undefined) return;
    this.#h2c = acceptH2c(this.#server, (request, response) => void this.#serve(request, response));
  }

  /** host:port that was taken; "" before `start`. */
  get address(): string {
    return this.#address;
  }

  /** Routes some methods of a path. `:name` is a parameter, a last `*` takes the rest. */
  route(methods: readonly HTTPMethod[], path: string, name: string, handler: RawHandler): void {
    const route: Route = { name, handler };
    this.#router.on([...methods], path, () => undefined, route);
  }

  /** Routes every method. */
  any(path: string, name: string, handler: RawHandler): void {
    this.route(allMethods, path, name, handler);
  }

  /** Routes a JSON API: CORS headers, envelope, errors. */
  api(
    methods: readonly HTTPMethod[],
    path: string,
    name: string,
    options: { readonly disableCors: boolean },
    handler: ApiHandler,
  ): void {
    this.route(methods, path, name, async (exchange) => {
      if (!options.disableCors) {
        for (const [header, value] of Object.entries(corsHeaders))
          exchange.response.setHeader(header, value);
      }
      try {
        const reply = await handler(exchange);
        if (reply === null) {
          exchange.response.setHeader("Vary", "Accept-Encoding");
          exchange.response.writeHead(204);
          exchange.response.end();
        } else await respond(exchange, reply);
      } catch (error) {
        if (exchange.signal.aborted) {
          exchange.response.destroy();
          return;
        }
        if (!(error instanceof ApiError)) {
          this.#log.error("request failed", { path: exchange.path, err: messageOf(error) });
          this.#log.debug("stack of the failure", {
            stack: error instanceof Error ? error.stack : "",
          });
        }
        await respondError(exchange, error);
      }
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? "/";
    const at = target.indexOf("?");
    const path = at < 0 ? target : target.slice(0, at);
    const url = { path, query: new URLSearchParams(at < 0 ? "" : target.slice(at + 1)) };
    const begun = performance.now();
    const { webConfig, tracer, requestLogger } = this.#deps;
    for (const [header, value] of webConfig.headers) response.setHeader(header, value);
    const method = request.method ?? "GET";
    const found = this.#find(method, path);
    const route = found?.store as Route | undefined;
    const name = route?.name ?? "";
    const span = tracer.start(`/${name} HTTP[server]`, undefined, request.headers);
    const exchange = new Exchange(request, response, url, found?.params ?? {}, span);
    if (tracer.enabled && span.traceId !== "")
      response.setHeader("X-Thanos-Trace-Id", span.traceId);
    const { socket } = request;
    const socketBytes = socket.bytesWritten;
    if (name !== "") {
      this.#metrics.begin(name, method);
      requestLogger.started(name, exchange);
      response.once("close", () => {
        const ms = performance.now() - begun;
        this.#metrics.end(name, method, {
          code: response.statusCode,
          seconds: ms / 1000,
          requestBytes: target.length + Number(request.headers["content-length"] ?? 0),
          responseBytes: Math.max(0, socket.bytesWritten - socketBytes),
        });
        requestLogger.finished(name, exchange, ms);
        span.setTag("http.status_code", response.statusCode);
        span.end();
      });
    }
    try {
      const denied = await webConfig.deny(request);
      if (denied !== null) {
        for (const [header, value] of denied.headers) response.setHeader(header, value);
        return respondText(exchange, denied.status, denied.text);
      }
      if (route === undefined) return this.#missing(exchange);
      await tracer.within(span, () => route.handler(exchange));
    } catch (error) {
      if (exchange.signal.aborted) {
        response.destroy();
        return;
      }
      this.#log.error("request failed", { path, err: messageOf(error) });
      if (response.headersSent) response.destroy();
      else respondText(exchange, 500, messageOf(error));
    }
  }

  /** The route of a path, null for none. Where its %XX are not all UTF-8, the parameters have U+FFFD. */
  #find(method: string, path: string): FindResult<HTTPVersion.V1> | null {
    try {
      const found = this.#router.find(method as HTTPMethod, path);
      if (found !== null || !path.includes("%")) return found;
      return this.#router.find(method as HTTPMethod, readablePath(path));
    } catch {
      return null;
    }
  }

  #missing(exchange: Exchange): void {
    const allowed = allMethods.filter((method) => this.#find(method, exchange.path) !== null);
    // OPTIONS alone is answered on every path below the API, known or not.
    if (allowed.every((method) => method === "OPTIONS")) {
      respondText(exchange, 404, "404 page not found");
      return;
    }
    exchange.response.setHeader("Allow", [...allowed].sort().join(", "));
    respondText(exchange, 405, "Method Not Allowed");
  }

  /** Listens. Throws APP_LISTEN. */
  async start(): Promise<void> {
    this.#address = await listen(this.#server, this.#options.address);
    this.#deps.prober.healthy();
    this.#log.info("listening for requests and metrics", { address: this.#address });
    const tls = this.#deps.webConfig.tls !== null;
    this.#log.info(tls ? "TLS is enabled." : "TLS is disabled.", {
      http2: false,
      address: this.#address,
    });
  }

  async execute(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    if (this.#address === "") await this.start();
    await closed;
  }

  #closeAll(): void {
    this.#server.closeAllConnections();
    this.#h2c?.destroy();
  }

  /** Not ready, then waits for open requests at most the grace period, then not healthy. */
  async interrupt(reason: unknown): Promise<void> {
    const { prober } = this.#deps;
    const err = reason === undefined ? null : messageOf(reason);
    prober.notReady(err);
    this.#log.info("internal server is shutting down", { err });
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#h2c?.close();
    this.#server.closeIdleConnections();
    if (this.#options.gracePeriodMs === 0) this.#closeAll();
    const timer = setTimeout(() => {
      this.#log.error("internal server shut down failed", { err: "context deadline exceeded" });
      this.#closeAll();
    }, this.#options.gracePeriodMs);
    // Connections that were busy become idle one by one.
    const sweep = setInterval(() => this.#server.closeIdleConnections(), 50);
    await closed;
    clearTimeout(timer);
    clearInterval(sweep);
    this.#log.info("internal server is shutdown gracefully", { err });
    prober.notHealthy(err);
    this.#closed();
  }
}
