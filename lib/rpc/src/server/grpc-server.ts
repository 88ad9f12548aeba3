// A gRPC server over node:http2: routing, connections, TLS with certificates that may change, and stopping.
import { readFileSync, statSync } from "node:fs";
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { RpcError } from "../errors.ts";
import { Status } from "../status.ts";
import { refuse, serveCall } from "./serve-call.ts";
import { type ServerOptions, type ServerTls, serverDefaults } from "./server-options.ts";
import type { Method, ServerInterceptor, Service } from "./service.ts";

export interface ServerDeps {
  readonly interceptors?: readonly ServerInterceptor[];
  /** Told of broken connections and of certificates that cannot be read. */
  readonly warn?: (message: string, error: unknown) => void;
}

export class GrpcServer {
  readonly #options: ServerOptions;
  readonly #deps: ServerDeps;
  readonly #services = new Map<string, Service>();
  readonly #methods = new Map<string, Method>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #running = new Set<Promise<void>>();
  readonly #server: Http2Server | Http2SecureServer;
  #closing = false;

  /** Reads the certificates; throws what reading throws. */
  constructor(options: Partial<ServerOptions> = {}, deps: ServerDeps = {}) {
    this.#options = { ...serverDefaults, ...options };
    this.#deps = deps;
    this.#server = this.#make();
    this.#server.on("session", (session: ServerHttp2Session) => this.#onSession(session));
    this.#server.on("stream", (stream: ServerHttp2Stream, headers) =>
      this.#onStream(stream, headers),
    );
    this.#server.on("sessionError", (error: Error) =>
      this.#deps.warn?.("grpc: connection failed", error),
    );
    this.#server.on("error", () => undefined); // `listen` reports; nothing else fails here
  }

  #make(): Http2Server | Http2SecureServer {
    const settings = {
      maxSessionMemory: 4096,
      settings: {
        initialWindowSize: this.#options.windowBytes,
        maxConcurrentStreams: this.#options.streamsMax,
        maxFrameSize: 1 << 20,
        maxHeaderListSize: 1 << 20,
      },
    };
    const tls = this.#options.tls;
    if (tls === null) return createServer(settings);
    const server = createSecureServer({ ...settings, ...secureContext(tls), allowHTTP1: false });
    let stamp = changeTimes(tls);
    server.prependListener("connection", () => {
      const now = changeTimes(tls);
      if (now === stamp) return;
      try {
        server.setSecureContext(secureContext(tls));
        stamp = now;
      } catch (error) {
        this.#deps.warn?.("grpc: cannot read the new certificate, keeping the old one", error);
      }
    });
    return server;
  }

  /** Adds a service; it may replace one of the same name. */
  add(service: Service): this {
    this.#services.set(service.name, service);
    for (const [name, method] of Object.entries(service.methods)) {
      this.#methods.set(`/${service.name}/${name}`, method);
    }
    return this;
  }

  get serviceNames(): string[] {
    return [...this.#services.keys()];
  }

  /** Listens on `host:port` (an empty host is every address, port 0 any free one) and says where. */
  listen(address: string): Promise<{ readonly host: string; readonly port: number }> {
    const at = address.lastIndexOf(":");
    const host = address.slice(0, at).replace(/^\[|\]$/g, "");
    const port = Number(address.slice(at + 1));
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, ...(host === "" ? {} : { host }) }, () => {
        this.#server.off("error", reject);
        const bound = this.#server.address() as AddressInfo;
        resolve({ host: bound.address, port: bound.port });
      });
    });
  }

  #onSession(session: ServerHttp2Session): void {
    if (this.#closing) {
      session.close();
      return;
    }
    this.#sessions.add(session);
    session.setLocalWindowSize(this.#options.windowBytes);
    session.on("error", () => undefined); // "sessionError" reports it
    const age = this.#options.connectionAgeMaxMs;
    const spread = age * (0.9 + 0.2 * Math.random());
    const timer =
      age > 0 ? setTimeout(() => session.close(), Math.min(spread, 2_147_483_647)) : undefined;
    timer?.unref();
    session.on("close", () => {
      clearTimeout(timer);
      this.#sessions.delete(session);
    });
  }

  #onStream(
    stream: ServerHttp2Stream,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    stream.on("error", () => undefined);
    const type = String(headers["content-type"] ?? "");
    const path = String(headers[":path"] ?? "");
    if (headers[":method"] !== "POST" || !type.startsWith("application/grpc")) {
      stream.respond({ ":status": 415 }, { endStream: true });
      return;
    }
    const method = this.#methods.get(path);
    if (method === undefined) {
      const [service, name] = path.slice(1).split("/");
      const known = this.#services.has(service ?? "");
      const text = known
        ? `unknown method ${name} for service ${service}`
        : `unknown service ${service}`;
      stream.resume();
      refuse(stream, Status.unimplemented, text);
      return;
    }
    const call = serveCall(
      stream,
      headers,
      path,
      method,
      this.#options,
      this.#deps.interceptors ?? [],
    );
    this.#running.add(call);
    void call.finally(() => this.#running.delete(call));
  }

  /** Accepts no more calls, lets running ones finish for `graceMs`, then cuts them off. */
  async close(graceMs = 0): Promise<void> {
    this.#closing = true;
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const cut = (): void => {
      for (const session of this.#sessions) session.destroy();
    };
    const timer = setTimeout(cut, graceMs);
    await stopped;
    clearTimeout(timer);
    await Promise.allSettled([...this.#running]);
  }
}

function secureContext(tls: ServerTls): Record<string, unknown> {
  if (tls.certFile === "" || tls.keyFile === "") {
    throw new RpcError("RPC_CONFIG", "both server key and certificate must be provided");
  }
  return {
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    minVersion: tls.minVersion,
    ...(tls.ciphers === "" ? {} : { ciphers: tls.ciphers }),
    ...(tls.curves === "" ? {} : { ecdhCurve: tls.curves }),
    ...(tls.clientCaFile === ""
      ? {}
      : { ca: readFileSync(tls.clientCaFile), requestCert: true, rejectUnauthorized: true }),
  };
}

function changeTimes(tls: ServerTls): string {
  const files = [tls.certFile, tls.keyFile, tls.clientCaFile].filter((file) => file !== "");
  try {
    return files.map((file) => String(statSync(file).mtimeMs)).join(" ");
  } catch {
    return "";
  }
}
