// A cache in Redis: one server, a cluster, or the master that sentinels name. The client library is an optional package.
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { messageOf } from "@deucalion/base";
import type { Cluster, Redis } from "ioredis";
import { BlocksError } from "../errors.ts";
import type { CacheClient } from "./cache-client.ts";
import type { RemoteCacheDeps } from "./memcached-client.ts";
import { type BreakerOptions, StoreQueue } from "./store-queue.ts";

export interface RedisOptions {
  /** `host:port`; more than one is a cluster, or sentinels. */
  readonly addresses: readonly string[];
  readonly prefix: string;
  readonly username: string;
  readonly password: string;
  readonly db: number;
  readonly dialTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly asyncConcurrency: number;
  readonly asyncBufferMax: number;
  /** Keys asked for at once. */
  readonly getBatch: number;
  /** Name of the master that sentinels know; "" for none. */
  readonly masterName: string;
  readonly tls: {
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    readonly serverName: string;
    readonly insecureSkipVerify: boolean;
    readonly minVersion: string;
  } | null;
  readonly breaker: BreakerOptions;
}

/** Throws BLOCKS_CACHE, saying what to install, unless the library is there. */
export function requireRedis(): void {
  try {
    import.meta.resolve("ioredis");
  } catch (cause) {
    throw new BlocksError(
      "BLOCKS_CACHE",
      'caches of type REDIS need the package ioredis: run "npm install ioredis" where Deucalion is installed',
      {},
      { cause },
    );
  }
}

function addressOf(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(":");
  if (at < 0) return { host: address, port: 6379 };
  return {
    host: address.slice(0, at).replace(/^\[|\]$/g, ""),
    port: Number(address.slice(at + 1)),
  };
}

function tlsOf(tls: NonNullable<RedisOptions["tls"]>): ConnectionOptions {
  return {
    ...(tls.caFile === "" ? {} : { ca: readFileSync(tls.caFile) }),
    ...(tls.certFile === "" ? {} : { cert: readFileSync(tls.certFile) }),
    ...(tls.keyFile === "" ? {} : { key: readFileSync(tls.keyFile) }),
    ...(tls.serverName === "" ? {} : { servername: tls.serverName }),
    ...(tls.insecureSkipVerify ? { rejectUnauthorized: false } : {}),
    ...(tls.minVersion === ""
      ? {}
      : { minVersion: `TLSv${tls.minVersion}` as "TLSv1.2" | "TLSv1.3" }),
  };
}

export class RedisClient implements CacheClient {
  readonly #options: RedisOptions;
  readonly #deps: RemoteCacheDeps;
  readonly #queue: StoreQueue;
  #client: Promise<Redis | Cluster> | undefined;

  constructor(options: RedisOptions, deps: RemoteCacheDeps) {
    this.#options = options;
    this.#deps = deps;
    const { asyncConcurrency: concurrency, asyncBufferMax: bufferMax, breaker } = options;
    this.#queue = new StoreQueue({ concurrency, bufferMax, breaker }, deps.now);
  }

  #open(): Promise<Redis | Cluster> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<Redis | Cluster> {
    const { Cluster, Redis } = await import("ioredis");
    const { addresses, username, password, db, masterName, tls } = this.#options;
    const common = {
      ...(username === "" ? {} : { username }),
      ...(password === "" ? {} : { password }),
      connectTimeout: this.#options.dialTimeoutMs,
      commandTimeout: this.#options.readTimeoutMs,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: true,
      ...(tls === null ? {} : { tls: tlsOf(tls) }),
    };
    const nodes = addresses.map(addressOf);
    let client: Redis | Cluster;
    if (masterName !== "")
      client = new Redis({
        ...common,
        db,
        sentinels: nodes,
        name: masterName,
        enableAutoPipelining: true,
      });
    else if (nodes.length > 1)
      client = new Cluster(nodes, { redisOptions: common, enableAutoPipelining: true });
    else client = new Redis({ ...common, ...nodes[0]!, db, enableAutoPipelining: true });
    client.on("error", (error: Error) => {
      this.#deps.log.debug("redis failed", { err: messageOf(error) });
    });
    return client;
  }

  async fetch(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    const { prefix } = this.#options;
    const batch = this.#options.getBatch || keys.length;
    for (let at = 0; at < keys.length && !signal.aborted; at += batch) {
      const some = keys.slice(at, at + batch);
      this.#deps.events.operation("get");
      try {
        const client = await this.#open();
        // Sent as one pipeline for each server, by the library.
        const values = await Promise.all(some.map((key) => client.getBuffer(prefix + key)));
        for (const [i, value] of values.entries())
          if (value !== null) found.set(some[i]!, new Uint8Array(value));
      } catch (error) {
        this.#failed("get", error);
        break;
      }
    }
    return found;
  }

  #failed(kind: "get" | "set", error: unknown): void {
    const text = messageOf(error);
    this.#deps.events.failure(kind, /timed out/i.test(text) ? "timeout" : "connection");
    this.#deps.log.debug("redis failed", { operation: kind, err: text });
  }

  store(key: string, value: Uint8Array, ttlMs: number): void {
    const work = async (): Promise<void> => {
      this.#deps.events.operation("set");
      try {
        const client = await this.#open();
        const ttl = Math.max(1, Math.floor(ttlMs / 1000));
        await client.set(this.#options.prefix + key, Buffer.from(value), "EX", ttl);
      } catch (error) {
        this.#failed("set", error);
        throw error;
      }
    };
    if (!this.#queue.push(work)) this.#deps.events.failure("set", "async-buffer-full");
  }

  /** Waits for what is being stored. */
  drain(): Promise<void> {
    return this.#queue.drain();
  }

  async close(): Promise<void> {
    this.#queue.clear();
    const client = await this.#client?.catch(() => undefined);
    client?.disconnect();
  }
}
