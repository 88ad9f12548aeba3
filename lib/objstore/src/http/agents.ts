// Pools of connections to an object store, plain and TLS; certificate files are read again when they change.
import { readFileSync, statSync } from "node:fs";
import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { HttpConfig } from "./http-config.ts";

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

class FreshHttpsAgent extends HttpsAgent {
  readonly #tls: HttpConfig["tls"];
  readonly #files = new FreshFiles();

  constructor(options: AgentOptions, tls: HttpConfig["tls"]) {
    super(options);
    this.#tls = tls;
  }

  override createConnection(
    options: ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
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
      createConnection(
        this: HttpsAgent,
        options: object,
        done?: (error: Error | null, stream: Duplex) => void,
      ): Socket;
    };
    return parent.createConnection.call(this, fresh, done);
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
  const http = new HttpAgent(options);
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
