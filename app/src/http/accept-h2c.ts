// HTTP/2 without TLS on the port of a plain HTTP server, for clients that begin with it.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** A connection on which nothing comes is closed after this long. */
const silenceMs = 300_000;
const windowBytes = 1 << 20;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Connections that are not the server's own. */
export interface H2cSessions {
  /** Takes no more calls; those that run are answered. */
  readonly close: () => void;
  readonly destroy: () => void;
}

/** Looks at the first bytes of each connection of `server`. */
export function acceptH2c(server: Server, onRequest: Listener): H2cSessions {
  const sessions = new Set<ServerHttp2Session>();
  const waiting = new Set<Socket>();
  // Node's HTTP/2 has requests and responses in the shape of those of HTTP/1.
  const http2 = createServer(
    { settings: { initialWindowSize: windowBytes } },
    onRequest as unknown as Parameters<typeof createServer>[1],
  );
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => undefined);
  });
  const plain = server.listeners("connection") as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    waiting.add(socket);
    const parts: Buffer[] = [];
    const fail = (): void => void socket.destroy();
    const decide = (part: Buffer): void => {
      parts.push(part);
      const head = Buffer.concat(parts);
      const length = Math.min(head.length, preface.length);
      const same = head.subarray(0, length).equals(preface.subarray(0, length));
      if (same && length < preface.length) return;
      socket.off("data", decide).off("error", fail).off("timeout", fail).off("close", gone);
      socket.setTimeout(0);
      waiting.delete(socket);
      socket.pause();
      socket.unshift(head);
      if (same) http2.emit("connection", socket);
      else {
        for (const listener of plain) listener.call(server, socket);
        process.nextTick(() => socket.resume());
      }
    };
    const gone = (): void => void waiting.delete(socket);
    socket.on("data", decide).on("error", fail).on("timeout", fail).on("close", gone);
    socket.setTimeout(silenceMs);
  });
  return {
    close: () => {
      for (const socket of waiting) socket.destroy();
      for (const session of sessions) session.close();
    },
    destroy: () => {
      for (const session of sessions) session.destroy();
    },
  };
}
