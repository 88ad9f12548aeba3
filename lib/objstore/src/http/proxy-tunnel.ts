// Connections through a proxy.
import { connect as connectNet, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ObjstoreError } from "../errors.ts";
import { proxyAuthorization } from "./env-proxy.ts";

const answerBytesMax = 16 << 10;

/** A connection to the proxy itself. */
export function connectProxy(proxy: URL): Socket {
  const host = proxy.hostname.replace(/^\[|\]$/g, "");
  if (proxy.protocol === "https:")
    return connectTls({ host, port: Number(proxy.port || 443), servername: host });
  return connectNet({ host, port: Number(proxy.port || 80) });
}

/** Has the proxy connect to `target` (`host:port`); what is sent then goes there. Throws OBJSTORE_IO. */
export function openTunnel(proxy: URL, target: string): Promise<Socket> {
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
      socket.off("data", read).off("error", failed).off("end", ended);
      socket.pause();
      if (answer.length > end + 4) socket.unshift(answer.subarray(end + 4));
      resolve(socket);
    };
    socket.on("data", read).on("error", failed).on("end", ended);
    const proof = proxyAuthorization(proxy);
    const authorization = proof === undefined ? "" : `proxy-authorization: ${proof}\r\n`;
    socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${authorization}\r\n`);
  });
}
