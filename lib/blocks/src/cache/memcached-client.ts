// A cache of memcached servers.
import { type Log, messageOf } from "@deucalion/base";
import type { Xxhash64 } from "@deucalion/kernels";
import type { CacheClient, CacheEvents } from "./cache-client.ts";
import { MemcachedConnection } from "./memcached-connection.ts";
import { compareNaturally, pickServer } from "./pick-server.ts";
import { type BreakerOptions, StoreQueue } from "./store-queue.ts";

/** memcached's limit. */
const keyBytesMax = 250;
/** Keys of one request where the settings give no limit. */
const batchDefault = 1000;
const connectionsMax = 4;

export interface MemcachedOptions {
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
  readonly maxIdleConnections: number;
  readonly asyncConcurrency: number;
  readonly asyncBufferMax: number;
  /** Requests at once; 0 is no limit. */
  readonly getConcurrency: number;
  /** Keys of one request; 0 is no limit. */
  readonly getBatch: number;
  /** 0 is no limit. */
  readonly itemBytesMax: number;
  readonly dnsIntervalMs: number;
  readonly autoDiscovery: boolean;
  readonly breaker: BreakerOptions;
}

export interface RemoteCacheDeps {
  readonly xxhash: Xxhash64;
  readonly log: Log;
  readonly events: CacheEvents;
  readonly now: () => number;
  /** Looks names with DNS schemes up. */
  readonly resolve: (addresses: readonly string[]) => Promise<readonly string[]>;
}

/** Connections to one server; the least busy one is used. */
class Server {
  readonly #connections: MemcachedConnection[];

  constructor(address: string, { timeoutMs, maxIdleConnections }: MemcachedOptions) {
    const count = Math.max(1, Math.min(connectionsMax, maxIdleConnections));
    this.#connections = Array.from(
      { length: count },
      () => new MemcachedConnection(address, timeoutMs),
    );
  }

  get connection(): MemcachedConnection {
    return this.#connections.reduce((best, one) => (one.load < best.load ? one : best));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

export class MemcachedClient implements CacheClient {
  readonly #options: MemcachedOptions;
  readonly #deps: RemoteCacheDeps;
  readonly #queue: StoreQueue;
  #servers = new Map<string, Server>();
  #order: string[] = [];
  #resolving: Promise<void> | undefined;
  #resolvedMs = Number.NEGATIVE_INFINITY;

  constructor(options: MemcachedOptions, deps: RemoteCacheDeps) {
    this.#options = options;
    this.#deps = deps;
    const { asyncConcurrency: concurrency, asyncBufferMax: bufferMax, breaker } = options;
    this.#queue = new StoreQueue({ concurrency, bufferMax, breaker }, deps.now);
  }

  /** Looks the servers up again when that is due; only the first look is waited for. */
  async #ready(): Promise<void> {
    const { now } = this.#deps;
    if (now() - this.#resolvedMs >= this.#options.dnsIntervalMs && this.#resolving === undefined) {
      this.#resolving = this.#resolve()
        .catch((error: unknown) => {
          this.#deps.log.warn("memcached servers could not be looked up", {
            err: messageOf(error),
          });
        })
        .finally(() => {
          this.#resolvedMs = now();
          this.#resolving = undefined;
        });
    }
    if (this.#order.length === 0) await this.#resolving;
  }

  async #resolve(): Promise<void> {
    let addresses = [...(await this.#deps.resolve(this.#options.addresses))];
    if (this.#options.autoDiscovery) addresses = await this.#discover(addresses);
    addresses = [...new Set(addresses)].sort(compareNaturally);
    if (addresses.length === 0) return;
    const next = new Map<string, Server>();
    for (const address of addresses)
      next.set(address, this.#servers.get(address) ?? new Server(address, this.#options));
    for (const [address, server] of this.#servers) if (!next.has(address)) server.close();
    this.#servers = next;
    this.#order = addresses;
  }

  /** Second line of the answer: `host|address|port` for each node. */
  async #discover(endpoints: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const endpoint of endpoints) {
      const connection = new MemcachedConnection(endpoint, this.#options.timeoutMs * 4);
      try {
        const text = await connection.clusterConfig();
        const nodes = text.split(/\r?\n/)[2] ?? "";
        for (const node of nodes.split(" ")) {
          const [host, address, port] = node.split("|");
          if (port !== undefined) found.push(`${address || host}:${port}`);
        }
      } finally {
        connection.close();
      }
    }
    return found;
  }

  #server(key: string): Server {
    const index = pickServer(this.#deps.xxhash, key, this.#order.length);
    return this.#servers.get(this.#order[index]!)!;
  }

  async fetch(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    await this.#ready();
    if (this.#order.length === 0 || keys.length === 0) return found;
    const byServer = new Map<Server, string[]>();
    for (const key of keys) {
      if (key.length > keyBytesMax) continue;
      const server = this.#server(key);
      const list = byServer.get(server);
      if (list === undefined) byServer.set(server, [key]);
      else list.push(key);
    }
    const batch = this.#options.getBatch || batchDefault;
    const calls: { server: Server; keys: string[] }[] = [];
    for (const [server, list] of byServer)
      for (let at = 0; at < list.length; at += batch)
        calls.push({ server, keys: list.slice(at, at + batch) });
    const worker = async (): Promise<void> => {
      for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
        if (signal.aborted) return;
        this.#deps.events.operation("get");
        try {
          const values = await call.server.connection.get(call.keys);
          for (const [key, value] of values) found.set(key, value);
        } catch (error) {
          this.#failed("get", error);
        }
      }
    };
    const workers = Math.min(calls.length, this.#options.getConcurrency || calls.length);
    await Promise.all(Array.from({ length: workers }, worker));
    return found;
  }

  #failed(kind: "get" | "set", error: unknown): void {
    const text = messageOf(error);
    const reason = text.startsWith("no answer") ? "timeout" : "connection";
    this.#deps.events.failure(kind, reason);
    this.#deps.log.debug("memcached failed", { operation: kind, err: text });
  }

  store(key: string, value: Uint8Array, ttlMs: number): void {
    const { events } = this.#deps;
    const { itemBytesMax } = this.#options;
    if ((itemBytesMax > 0 && value.length > itemBytesMax) || key.length > keyBytesMax) {
      events.failure("set", "max-item-size");
      return;
    }
    const work = async (): Promise<void> => {
      events.operation("set");
      try {
        await this.#ready();
        if (this.#order.length === 0) throw new Error("no servers");
        const word = await this.#server(key).connection.set(key, value, seconds(ttlMs));
        if (word !== "STORED") throw new Error(`memcached answered ${word.slice(0, 100)}`);
      } catch (error) {
        this.#failed("set", error);
        throw error;
      }
    };
    if (!this.#queue.push(work)) events.failure("set", "async-buffer-full");
  }

  /** Waits for what is being stored. */
  drain(): Promise<void> {
    return this.#queue.drain();
  }

  async close(): Promise<void> {
    this.#queue.clear();
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    this.#order = [];
  }
}

/** memcached takes seconds; beyond 30 days they would be a date. */
function seconds(ttlMs: number): number {
  return Math.max(1, Math.min(30 * 86_400, Math.floor(ttlMs / 1000)));
}
