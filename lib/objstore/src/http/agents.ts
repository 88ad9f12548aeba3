// Pools of connections to an object store, plain and TLS; certificate files are read again when they change.
import { readFileSync, statSync } from "node:fs";
import {
  type AgentOptions,
  type ClientRequest,
  type ClientRequestArgs,
  Agent as HttpAgent,
} from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { proxyAuthorization, proxyOf } from "./env-proxy.ts";
import type { HttpConfig } from "./http-config.ts";
import { connectProxy, openTunnel } from "./proxy-tunnel.ts";

/** Connections are opened within this time or given up. */
const keepAliveMs = 30_000;

export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
  close(): void;
}

/** Texts of files by path, read again when size or time of change differ. */
class FreshFiles {
  readonly #known = new Map<string, { stamp: string; text: Buffer }>();

  read(path: string): Buffer {
    const { mtimeMs, size } = statSync(path);
    const stamp = `${mtimeMs}:${size}`;
    const before = this.#known.get(path);
    if (before?.stamp === stamp) return before.text;
    const text = readFileSync(path);
    this.#known.set(path, { stamp, text });
    return text;
  }
}

type Connected = (error: Error | null, stream: Duplex) => void;

class FreshHttpsAgent extends HttpsAgent {
  readonly #tls: HttpConfig["tls"];
  readonly #files = new FreshFiles();

  constructor(options: AgentOptions, tls: HttpConfig["tls"]) {
    super(options);
    this.#tls = tls;
  }

  override createConnection(
    options: ClientRequestArgs,
    done?: Connected,
  ): Duplex | null | undefined {
    const { caFile, certFile, keyFile, serverName, insecureSkipVerify } = this.#tls;
    const fresh = {
      ...options,
      ...(caFile === "" ? {} : { ca: this.#files.read(caFile) }),
      ...(certFile === "" ? {} : { cert: this.#files.read(certFile) }),
      ...(keyFile === "" ? {} : { key: this.#files.read(keyFile) }),
      ...(serverName === "" ? {} : { servername: serverName }),
      ...(insecureSkipVerify ? { rejectUnauthorized: false } : {}),
    };
    const parent = HttpsAgent.prototype as unknown as {
      createConnection(this: HttpsAgent, options: object, done?: Connected): Socket;
    };
    const { host, port } = addressOf(options, "443");
    const proxy = proxyOf("https:", host, port);
    if (proxy === undefined) return parent.createConnection.call(this, fresh, done);
    openTunnel(proxy, host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`).then(
      (socket) => done?.(null, parent.createConnection.call(this, { ...fresh, socket })),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}

function addressOf(options: ClientRequestArgs, port: string): { host: string; port: string } {
  const host = String(options.host ?? options.hostname ?? "localhost").toLowerCase();
  return { host: host.replace(/^\[|\]$/g, ""), port: String(options.port ?? port) };
}

/** Plain HTTP through a proxy: it is told the whole URL, and passes the request on. */
class ProxiedHttpAgent extends HttpAgent {
  /** Called by Node for each request, before its head is written. */
  addRequest(request: ClientRequest, options: ClientRequestArgs): void {
    const { host, port } = addressOf(options, "80");
    const proxy = proxyOf("http:", host, port);
    if (proxy !== undefined) {
      request.path = `http://${request.getHeader("host")}${request.path}`;
      const proof = proxyAuthorization(proxy);
      if (proof !== undefined) request.setHeader("proxy-authorization", proof);
    }
    const parent = HttpAgent.prototype as unknown as {
      addRequest(this: HttpAgent, request: ClientRequest, options: object): void;
    };
    parent.addRequest.call(this, request, options);
  }

  override createConnection(
    options: ClientRequestArgs,
    done?: Connected,
  ): Duplex | null | undefined {
    const { host, port } = addressOf(options, "80");
    const proxy = proxyOf("http:", host, port);
    if (proxy !== undefined) return connectProxy(proxy);
    const parent = HttpAgent.prototype as unknown as {
      createConnection(this: HttpAgent, options: object, done?: Connected): Socket;
    };
    return parent.createConnection.call(this, options, done);
  }
}

/** Makes both pools. Idle connections are kept for `idleConnTimeoutMs`. */
export function createAgents(config: HttpConfig): Agents {
  const options: AgentOptions = {
    keepAlive: true,
    keepAliveMsecs: keepAliveMs,
    maxFreeSockets: config.maxIdleConns === 0 ? 256 : config.maxIdleConns,
    scheduling: "lifo",
    ...(config.maxConnsPerHost === 0 ? {} : { maxSockets: config.maxConnsPerHost }),
    ...(config.idleConnTimeoutMs === 0 ? {} : { timeout: config.idleConnTimeoutMs }),
  };
  const proxied = (process.env.HTTP_PROXY || process.env.http_proxy || "") !== "";
  const http = new (proxied ? ProxiedHttpAgent : HttpAgent)(options);
  const https = new FreshHttpsAgent(options, config.tls);
  return {
    http,
    https,
    close: () => {
      http.destroy();
      https.destroy();
    },
  };
}
