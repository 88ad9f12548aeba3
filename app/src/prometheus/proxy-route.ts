// Ways of requests through a proxy. Loaded only where one is configured.
import type { ClientRequestArgs } from "node:http";
import { type AgentOptions, Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { openTunnel, proxyAuthorization, proxyOf } from "@deucalion/objstore";
import type { HttpProxy } from "./http-client.ts";

/** The proxy for a request to `target`; undefined for none. */
export function proxyFor({ url, noProxy }: HttpProxy, target: URL): URL | undefined {
  const secure = target.protocol === "https:";
  // A proxy that is named alone is asked for everything, loopback too.
  if (url !== "" && noProxy === "") return new URL(url);
  const env = url === "" ? process.env : { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: noProxy };
  const host = target.hostname.toLowerCase().replace(/^\[|\]$/g, "");
  const port = target.port || (secure ? "443" : "80");
  return proxyOf(secure ? "https:" : "http:", host, port, env);
}

/** What to ask a proxy for plain HTTP: it is told the whole URL, and passes the request on. */
export function forwarded(
  proxy: URL,
  target: URL,
): { readonly path: string; readonly headers: Readonly<Record<string, string>> } {
  const proof = proxyAuthorization(proxy);
  return {
    path: `http://${target.host}${target.pathname}${target.search}`,
    headers: {
      host: target.host,
      ...(proof === undefined ? {} : { "proxy-authorization": proof }),
    },
  };
}

type Connected = (error: Error | null, stream: Duplex) => void;

/** Connections with TLS, through a proxy where there is one for the target. */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: HttpProxy;

  constructor(options: AgentOptions, proxy: HttpProxy) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: ClientRequestArgs,
    done?: Connected,
  ): Duplex | null | undefined {
    const parent = HttpsAgent.prototype as unknown as {
      createConnection(this: HttpsAgent, options: object, done?: Connected): Socket;
    };
    const name = String(options.host ?? options.hostname ?? "localhost").replace(/^\[|\]$/g, "");
    const host = name.includes(":") ? `[${name}]` : name;
    const target = `${host}:${String(options.port ?? 443)}`;
    const proxy = proxyFor(this.#proxy, new URL(`https://${target}`));
    if (proxy === undefined) return parent.createConnection.call(this, options, done);
    openTunnel(proxy, target, this.#proxy.connectHeaders).then(
      (socket) => done?.(null, parent.createConnection.call(this, { ...options, socket })),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}
