// One HTTP/2 connection of a client: opening it, keeping it alive, noticing that it is gone.

import { type ClientHttp2Session, connect, constants } from "node:http2";
import { messageOf } from "@deucalion/base";
import { RpcError } from "../errors.ts";
import type { ClientOptions } from "./client-options.ts";
import { openSocket, type Target } from "./target.ts";

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
  ENOTFOUND: "no such host",
};

/** Why an address cannot be reached, in Go's words where they are known. */
function dialText({ authority }: Target, cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return `dial tcp ${authority}: ${reasons[code] ?? messageOf(cause)}`;
}

/** An open connection. It is `usable` until the far side says goodbye or the socket breaks. */
export class Connection {
  readonly session: ClientHttp2Session;
  /** Counts received events; the keepalive looks at whether it moved. */
  activity = 0;
  /** Why the connection broke, once it did. */
  failure: RpcError | null = null;
  openCalls = 0;
  /** Streams with larger ids were never looked at by the far side, which is going away. */
  lastStreamId = Number.POSITIVE_INFINITY;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on("goaway", (_code: number, lastStreamId: number) => {
      this.#draining = true;
      this.lastStreamId = Math.min(this.lastStreamId, lastStreamId);
    });
    session.on("close", () => {
      clearInterval(this.#timer);
      this.#draining = true;
    });
  }

  get usable(): boolean {
    return !this.#draining && !this.session.closed && !this.session.destroyed;
  }

  /** Resolves when the far side has sent its settings; throws RPC_UNAVAILABLE. */
  static open(target: Target, options: ClientOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const scheme = options.tls === null ? "http" : "https";
      const session = connect(`${scheme}://${target.authority}`, {
        createConnection() {
          const socket = openSocket(target, options.tls);
          // Registered before those of the session, so that streams can tell why they end.
          socket.once("close", () => {
            connection.failure ??= new RpcError("RPC_UNAVAILABLE", "transport is closing");
          });
          return socket;
        },
        maxSessionMemory: 4096,
        settings: {
          initialWindowSize: options.windowBytes,
          enablePush: false,
          maxFrameSize: 1 << 20,
          maxHeaderListSize: 1 << 20,
        },
      });
      const connection = new Connection(session);
      let settled = false;
      const fail = (cause: unknown): void => {
        if (settled) {
          const text = `error reading from server: ${messageOf(cause)}`;
          connection.failure ??= new RpcError("RPC_UNAVAILABLE", text, {}, { cause });
          return;
        }
        settled = true;
        clearTimeout(timer);
        const text = `connection error: desc = "transport: Error while dialing: ${dialText(target, cause)}"`;
        connection.failure = new RpcError("RPC_UNAVAILABLE", text, {}, { cause });
        session.destroy();
        reject(connection.failure);
      };
      const timer = setTimeout(() => fail(new Error("i/o timeout")), options.connectTimeoutMs);
      session.on("error", fail);
      session.once("close", () => fail(new Error("connection closed")));
      session.once("remoteSettings", () => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        session.setLocalWindowSize(options.windowBytes);
        connection.#keepAlive(options);
        session.unref();
        resolve(connection);
      });
    });
  }

  #keepAlive(options: ClientOptions): void {
    if (options.keepaliveMs <= 0) return;
    let seen = -1;
    let pinging = false;
    this.#timer = setInterval(() => {
      if (this.openCalls === 0 || pinging || this.activity !== seen) {
        seen = this.activity;
        return;
      }
      pinging = true;
      const timeout = setTimeout(() => {
        this.failure = new RpcError(
          "RPC_UNAVAILABLE",
          "keepalive ping failed to receive ACK within timeout",
        );
        this.session.destroy(this.failure, constants.NGHTTP2_INTERNAL_ERROR);
      }, options.keepaliveTimeoutMs);
      timeout.unref();
      const sent = this.session.ping(() => {
        clearTimeout(timeout);
        pinging = false;
      });
      if (!sent) clearTimeout(timeout);
    }, options.keepaliveMs);
    this.#timer.unref();
  }

  /** Calls keep the process alive; idle connections do not. */
  callOpened(): void {
    if (this.openCalls++ === 0 && !this.session.destroyed) this.session.ref();
  }

  callClosed(): void {
    if (--this.openCalls === 0 && !this.session.destroyed) this.session.unref();
  }

  /** Lets running calls finish. */
  close(): void {
    this.#draining = true;
    if (!this.session.destroyed) this.session.close();
  }
}
