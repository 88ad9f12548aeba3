// A cache of answers in memcached or redis, shared by several frontends.
import { createHash } from "node:crypto";
import type { CacheClient } from "@deucalion/blocks";
import type { CacheMetrics } from "./memory-cache.ts";
import type { ResultCache } from "./result-cache.ts";

/** Entries of another format, Thanos' among them, stand under other keys. */
const prefix = "deucalion:2:";

const never = new AbortController().signal;

/** Memcached takes keys of up to 250 bytes without spaces; ours are whole queries. The entry holds the key itself. */
export function remoteKey(name: string, key: string): string {
  return `${prefix}${name}:${createHash("sha256").update(key).digest("base64url")}`;
}

export class RemoteCache implements ResultCache {
  readonly #name: string;
  readonly #client: CacheClient;
  readonly #ttlMs: number;
  readonly #metrics: CacheMetrics;

  /** `ttlMs`: how long the server keeps an entry. */
  constructor(name: string, client: CacheClient, ttlMs: number, metrics: CacheMetrics) {
    this.#name = name;
    this.#client = client;
    this.#ttlMs = ttlMs;
    this.#metrics = metrics;
  }

  async get(key: string, signal?: AbortSignal): Promise<Buffer | null> {
    const { gets, misses } = this.#metrics;
    gets.inc({ cache: this.#name });
    const id = remoteKey(this.#name, key);
    const value = (await this.#client.fetch([id], signal ?? never)).get(id);
    if (value === undefined) {
      misses.inc({ cache: this.#name });
      return null;
    }
    // Columns of an entry are read in place: they must begin at a multiple of eight of a buffer of its own.
    const own = Buffer.from(new ArrayBuffer(value.length));
    own.set(value);
    return own;
  }

  set(key: string, value: Buffer): Promise<void> {
    this.#metrics.added.inc({ cache: this.#name });
    this.#client.store(remoteKey(this.#name, key), value, this.#ttlMs);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
