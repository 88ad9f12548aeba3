// An HTTP client with the settings of `--prometheus.http-client`: pooled connections, TLS, proxies, basic and bearer auth.
import { readFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { messageOf } from "@deucalion/base";
import { PrometheusError } from "./errors.ts";

/** A proxy, and which requests go through it. */
export interface HttpProxy {
  /** "" for what the environment names. */
  readonly url: string;
  /** Hosts that are asked directly, in the words of NO_PROXY. */
  readonly noProxy: string;
  /** Sent with CONNECT. */
  readonly connectHeaders: Readonly<Record<string, readonly string[]>>;
}

export interface HttpClientOptions {
  readonly basicAuth: {
    readonly username: string;
    readonly password: string;
    readonly passwordFile: string;
  } | null;
  readonly bearerToken: string;
  readonly bearerTokenFile: string;
  readonly tls: {
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    readonly serverName: string;
    readonly insecureSkipVerify: boolean;
  };
  readonly connectionsMax: number;
  readonly proxy: HttpProxy | null;
  readonly userAgent: string;
}

export const httpClientDefaults: HttpClientOptions = {
  basicAuth: null,
  bearerToken: "",
  bearerTokenFile: "",
  tls: { caFile: "", certFile: "", keyFile: "", serverName: "", insecureSkipVerify: false },
  connectionsMax: Number.POSITIVE_INFINITY,
  proxy: null,
  userAgent: "Deucalion",
};

export interface HttpCall {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal: AbortSignal;
}

interface Route {
  readonly secure: boolean;
  readonly url: URL;
  readonly agent: HttpAgent;
  readonly path: { readonly path?: string };
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends requests over kept connections. `close()` ends them. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #http: HttpAgent;
  #https: HttpsAgent | undefined;
  #toProxy: HttpsAgent | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#http = new HttpAgent({ keepAlive: true, maxSockets: options.connectionsMax });
  }

  async #secureAgent(): Promise<HttpsAgent> {
    if (this.#https !== undefined) return this.#https;
    const { tls, connectionsMax, proxy } = this.#options;
    const options: AgentOptions = {
      keepAlive: true,
      maxSockets: connectionsMax,
      rejectUnauthorized: !tls.insecureSkipVerify,
      ...(tls.caFile === "" ? {} : { ca: readFileSync(tls.caFile) }),
      ...(tls.certFile === ""
        ? {}
        : { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }),
      ...(tls.serverName === "" ? {} : { servername: tls.serverName }),
    };
    if (proxy === null) this.#https = new HttpsAgent(options);
    else {
      const { TunnelAgent } = await import("./proxy-route.ts");
      // Another call may have made it meanwhile.
      this.#https ??= new TunnelAgent(options, proxy);
    }
    return this.#https;
  }

  #authorization(): Record<string, string> {
    const { basicAuth, bearerToken, bearerTokenFile } = this.#options;
    if (basicAuth !== null) {
      const password =
        basicAuth.passwordFile === ""
          ? basicAuth.password
          : readFileSync(basicAuth.passwordFile, "utf8").trim();
      return {
        authorization: `Basic ${Buffer.from(`${basicAuth.username}:${password}`).toString("base64")}`,
      };
    }
    const token =
      bearerTokenFile === "" ? bearerToken : readFileSync(bearerTokenFile, "utf8").trim();
    return token === "" ? {} : { authorization: `Bearer ${token}` };
  }

  /** Where a plain request goes: to its target, or to a proxy, which may be asked over TLS. */
  async #plainRoute(target: URL): Promise<Route> {
    const direct: Route = { secure: false, url: target, agent: this.#http, path: {}, headers: {} };
    if (this.#options.proxy === null) return direct;
    const { forwarded, proxyFor } = await import("./proxy-route.ts");
    const proxy = proxyFor(this.#options.proxy, target);
    if (proxy === undefined) return direct;
    const { path, headers } = forwarded(proxy, target);
    const secure = proxy.protocol === "https:";
    // The proxy is not told its own name and password as if they were the target's.
    const url = new URL(proxy.origin);
    if (!secure) return { secure, url, agent: this.#http, path: { path }, headers };
    this.#toProxy ??= new HttpsAgent({ keepAlive: true });
    return { secure, url, agent: this.#toProxy, path: { path }, headers };
  }

  /** Resolves when the head of the answer is there; the caller reads or destroys the body. Throws PROMETHEUS_UNREACHABLE. */
  async send(call: HttpCall): Promise<IncomingMessage> {
    const { secure, url, agent, path, headers }: Route =
      call.url.protocol === "https:"
        ? { secure: true, url: call.url, agent: await this.#secureAgent(), path: {}, headers: {} }
        : await this.#plainRoute(call.url);
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(url, {
        method: call.method,
        agent,
        signal: call.signal,
        ...path,
        headers: {
          ...headers,
          "user-agent": this.#options.userAgent,
          ...this.#authorization(),
          ...call.headers,
          ...(call.body === undefined ? {} : { "content-length": Buffer.byteLength(call.body) }),
        },
      });
      request.on("response", resolve);
      request.on("error", (error) =>
        reject(
          call.signal.aborted
            ? call.signal.reason
            : new PrometheusError(
                "PROMETHEUS_UNREACHABLE",
                messageOf(error),
                { url: call.url.origin },
                { cause: error },
              ),
        ),
      );
      request.end(call.body);
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https?.destroy();
    this.#toProxy?.destroy();
  }
}

/** Reads a whole body of at most `bytesMax`; throws PROMETHEUS_ANSWER beyond. */
export async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bytesMax) {
      response.destroy();
      throw new PrometheusError(
        "PROMETHEUS_ANSWER",
        `the answer is larger than ${bytesMax} bytes`,
        { bytesMax },
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}
