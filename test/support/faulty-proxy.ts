// An HTTP proxy in front of an object store that refuses, delays and cuts at random, as networks do.
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { sleep } from "./processes.ts";

export interface FaultyProxy {
  /** host:port */
  readonly address: string;
  /** Share of requests that fail, 0 to 1; may be changed at any time. */
  faults: number;
  /** Longest delay of a request in ms. */
  delayMs: number;
  readonly counts: { requests: number; faults: number };
  close(): void;
}

/** `random` gives numbers in [0, 1). */
export async function startFaultyProxy(target: string, random: () => number): Promise<FaultyProxy> {
  const base = new URL(target);
  const server = createServer(async (incoming, outgoing) => {
    proxy.counts.requests++;
    incoming.on("error", () => undefined);
    const parts: Buffer[] = [];
    try {
      for await (const part of incoming) parts.push(part as Buffer);
    } catch {
      return;
    }
    if (proxy.delayMs > 0) await sleep(random() * proxy.delayMs);
    const fault = random() < proxy.faults ? Math.floor(random() * 4) : -1;
    if (fault >= 0) proxy.counts.faults++;
    if (fault === 0) return outgoing.writeHead(503).end();
    if (fault === 1) return outgoing.socket?.destroy();
    const call = request(
      {
        host: base.hostname,
        port: base.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
      },
      (answer) => {
        // Done, but the caller does not learn it.
        if (fault === 2) return outgoing.socket?.destroy();
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        if (fault !== 3) return answer.pipe(outgoing);
        answer.once("data", (data: Buffer) => {
          outgoing.write(data.subarray(0, data.length >> 1), () => outgoing.socket?.destroy());
        });
        return answer.once("end", () => outgoing.socket?.destroy());
      },
    );
    call.on("error", () => outgoing.socket?.destroy());
    return call.end(Buffer.concat(parts));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const proxy: FaultyProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults: 0,
    delayMs: 0,
    counts: { requests: 0, faults: 0 },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}

/** A small generator of random numbers, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
