// Connections through a proxy.
import { connect as connectNet, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ObjstoreError } from "../errors.ts";
import { proxyAuthorization } from "./env-proxy.ts";

const answerBytesMax = 16 << 10;
/** A proxy that has not answered for so long is given up. */
const silenceMs = 60_000;

/** A connection to the proxy itself. */
export function connectProxy(proxy: URL): Socket {
  const host = proxy.hostname.replace(/^\[|\]$/g, "");
  if (proxy.protocol === "https:")
    return connectTls({ host, port: Number(proxy.port || 443), servername: host });
  return connectNet({ host, port: Number(proxy.port || 80) });
}

/** Has the proxy connect to `target` (`host:port`), sending `headers` too; what is sent then goes there. Throws OBJSTORE_IO. */
export function openTunnel(
  proxy: URL,
  target: string,
  headers: Readonly<Record<string, readonly string[]>> = {},
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectProxy(proxy);
    let answer = Buffer.alloc(0);
    const fail = (why: string, cause?: unknown): void => {
      socket.destroy();
      const message = `proxy ${proxy.host}, on the way to ${target}: ${why}`;
      reject(new ObjstoreError("OBJSTORE_IO", message, {}, { cause }));
    };
    const failed = (error: Error): void => fail(error.message, error);
    const ended = (): void => fail("it closed the connection");
    const silent = (): void => fail(`it said nothing for ${silenceMs / 1000} s`);
    const read = (data: Buffer): void => {
      answer = Buffer.concat([answer, data]);
      const end = answer.indexOf("\r\n\r\n");
      if (end < 0) {
        if (answer.length > answerBytesMax) fail("its answer is too long");
        return;
      }
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer.toString("latin1", 0, end))?.[1];
      if (status !== "200") {
        fail(`it answered ${status ?? "nonsense"}`);
        return;
      }
      socket.setTimeout(0);
      socket.off("data", read).off("error", failed).off("end", ended).off("timeout", silent);
      socket.pause();
      if (answer.length > end + 4) socket.unshift(answer.subarray(end + 4));
      resolve(socket);
    };
    socket.on("data", read).on("error", failed).on("end", ended).on("timeout", silent);
    socket.setTimeout(silenceMs);
    const proof = proxyAuthorization(proxy);
    const authorization = proof === undefined ? "" : `proxy-authorization: ${proof}\r\n`;
    const lines = Object.entries(headers).flatMap(([name, values]) =>
      values.map((value) => `${name}: ${value}\r\n`),
    );
    const head = `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n`;
    socket.write(`${head}${authorization}${lines.join("")}\r\n`);
  });
}
