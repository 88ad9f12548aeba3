// Asks another gateway of a groupcache: HTTP/2 without negotiation, as Thanos' gateways speak it.
import { type ClientHttp2Session, connect, constants } from "node:http2";

/** Where gateways answer each other. */
export const peerPath = "/_galaxycache/";
/** Unix time in ms until which a value may be kept. */
export const expireHeader = "x-galaxycache-expire";

const valueBytesMax = 256 << 20;
const windowBytes = 8 << 20;

export interface PeerValue {
  readonly value: Uint8Array;
  readonly untilMs: number;
}

export class CachePeer {
  readonly #url: URL;
  #session: ClientHttp2Session | undefined;

  /** `http://host:port`; without a scheme it is http. */
  constructor(address: string) {
    this.#url = new URL(/^https?:\/\//.test(address) ? address : `http://${address}`);
  }

  #open(): ClientHttp2Session {
    const open = this.#session;
    if (open !== undefined && !open.closed && !open.destroyed) return open;
    const session = connect(this.#url.origin, { settings: { initialWindowSize: windowBytes } });
    session.once("connect", () => session.setLocalWindowSize(windowBytes));
    const gone = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    // Calls that run hear of it by themselves.
    session.on("error", gone).on("goaway", gone).on("close", gone);
    session.unref();
    this.#session = session;
    return session;
  }

  /** Rejects unless the peer gives the value. */
  fetch(group: string, key: string, signal: AbortSignal): Promise<PeerValue> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      // As Go escapes the parts of a path.
      const parts = [group, key].map((text) => encodeURIComponent(text).replaceAll("%3A", ":"));
      const path = `${this.#url.pathname.replace(/\/$/, "")}${peerPath}${parts.join("/")}`;
      const call = this.#open().request({ ":path": path });
      const data: Buffer[] = [];
      let bytes = 0;
      let status = 0;
      let until = Number.NaN;
      const fail = (error: Error): void => {
        reject(error);
        call.close(constants.NGHTTP2_CANCEL);
      };
      const stop = (): void => fail(signal.reason as Error);
      signal.addEventListener("abort", stop, { once: true });
      call.on("response", (headers) => {
        status = Number(headers[":status"]);
        until = Number(headers[expireHeader] ?? Number.NaN);
      });
      call.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > valueBytesMax) fail(new Error("the peer's answer is too long"));
        else data.push(part);
      });
      call.on("error", reject);
      call.on("end", () => {
        if (status !== 200) reject(new Error(`the peer answered ${status}`));
        else if (Number.isNaN(until)) reject(new Error(`the peer's answer has no ${expireHeader}`));
        else resolve({ value: new Uint8Array(Buffer.concat(data, bytes)), untilMs: until });
      });
      call.on("close", () => {
        signal.removeEventListener("abort", stop);
        reject(new Error("the peer closed the connection"));
      });
      call.end();
    });
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }
}
