// An HTTP client with the settings of `--prometheus.http-client`: pooled connections, TLS, basic and bearer auth.
import { readFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { messageOf } from "@deucalion/base";
import { PrometheusError } from "./errors.ts";

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
  readonly userAgent: string;
}

export const httpClientDefaults: HttpClientOptions = {
  basicAuth: null,
  bearerToken: "",
  bearerTokenFile: "",
  tls: { caFile: "", certFile: "", keyFile: "", serverName: "", insecureSkipVerify: false },
  connectionsMax: Number.POSITIVE_INFINITY,
  userAgent: "Deucalion",
};

export interface HttpCall {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal: AbortSignal;
}

/** Sends requests over kept connections. `close()` ends them. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #http: HttpAgent;
  #https: HttpsAgent | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#http = new HttpAgent({ keepAlive: true, maxSockets: options.connectionsMax });
  }

  #secureAgent(): HttpsAgent {
    const { tls, connectionsMax } = this.#options;
    this.#https ??= new HttpsAgent({
      keepAlive: true,
      maxSockets: connectionsMax,
      rejectUnauthorized: !tls.insecureSkipVerify,
      ...(tls.caFile === "" ? {} : { ca: readFileSync(tls.caFile) }),
      ...(tls.certFile === ""
        ? {}
        : { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }),
      ...(tls.serverName === "" ? {} : { servername: tls.serverName }),
    });
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

  /** Resolves when the head of the answer is there; the caller reads or destroys the body. Throws PROMETHEUS_UNREACHABLE. */
  send(call: HttpCall): Promise<IncomingMessage> {
    const secure = call.url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(call.url, {
        method: call.method,
        agent: secure ? this.#secureAgent() : this.#http,
        signal: call.signal,
        headers: {
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
