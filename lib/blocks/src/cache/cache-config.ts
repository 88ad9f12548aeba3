// Settings of caches, as Thanos has them: in memory, memcached, redis.
import { parseByteSize, parseGoDuration, parsePromDuration } from "@deucalion/base";
import { BlocksError } from "../errors.ts";
import type { MemcachedOptions } from "./memcached-client.ts";
import type { MemoryCacheLimits } from "./memory-cache.ts";
import type { RedisOptions } from "./redis-client.ts";
import type { BreakerOptions } from "./store-queue.ts";

/** Which cache, with its settings. */
export type CacheBackend =
  | { readonly type: "IN-MEMORY"; readonly limits: MemoryCacheLimits }
  | { readonly type: "MEMCACHED"; readonly options: MemcachedOptions }
  | { readonly type: "REDIS"; readonly options: RedisOptions };

type Json = Readonly<Record<string, unknown>>;

function wrong(message: string): never {
  throw new BlocksError("BLOCKS_CACHE", message);
}

/** Reads a map key by key and refuses keys that nobody asks for. */
export class CacheFields {
  readonly #fields: Json;
  readonly #where: string;
  readonly #asked = new Set<string>();

  constructor(value: unknown, where: string) {
    if (
      value !== undefined &&
      value !== null &&
      (typeof value !== "object" || Array.isArray(value))
    )
      wrong(`${where} must be a map`);
    this.#fields = (value ?? {}) as Json;
    this.#where = where;
  }

  get(key: string): unknown {
    this.#asked.add(key);
    return this.#fields[key] ?? undefined;
  }

  text(key: string, fallback = ""): string {
    const value = this.get(key);
    if (typeof value === "object") wrong(`${this.#where}: ${key} must be a text`);
    return value === undefined ? fallback : String(value);
  }

  number(key: string, fallback: number): number {
    const value = this.get(key);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (!Number.isFinite(number) || number < 0)
      wrong(`${this.#where}: ${key} must be a number, not negative`);
    return number;
  }

  flag(key: string): boolean {
    return this.get(key) === true;
  }

  bytes(key: string, fallback: number): number {
    const value = this.get(key);
    if (value === undefined) return fallback;
    if (typeof value === "number") return value;
    try {
      return parseByteSize(String(value));
    } catch {
      return wrong(`${this.#where}: ${key} is not a size: ${String(value)}`);
    }
  }

  durationMs(key: string, fallbackMs: number): number {
    const value = this.get(key);
    if (value === undefined) return fallbackMs;
    if (value === 0) return 0;
    try {
      return parseGoDuration(String(value));
    } catch {
      try {
        return parsePromDuration(String(value));
      } catch {
        return wrong(`${this.#where}: ${key} is not a duration: ${String(value)}`);
      }
    }
  }

  list(key: string): readonly string[] {
    const value = this.get(key) ?? [];
    if (!Array.isArray(value)) wrong(`${this.#where}: ${key} must be a list`);
    return value.map(String);
  }

  section(key: string): CacheFields {
    return new CacheFields(this.get(key), key);
  }

  noOthers(): void {
    for (const key of Object.keys(this.#fields))
      if (!this.#asked.has(key)) wrong(`${this.#where}: ${key} is not a known field`);
  }
}

const mebibyte = 1 << 20;

/** Reads `type` and `config` of a document. Throws BLOCKS_CACHE. */
export function readCacheBackend(type: string, config: CacheFields): CacheBackend {
  switch (type.toUpperCase()) {
    case "IN-MEMORY":
      return { type: "IN-MEMORY", limits: readMemory(config) };
    case "MEMCACHED":
      return { type: "MEMCACHED", options: readMemcached(config) };
    case "REDIS":
      return { type: "REDIS", options: readRedis(config) };
    default:
      return wrong(`cache with type ${type} is not supported; IN-MEMORY, MEMCACHED and REDIS are`);
  }
}

function readMemory(config: CacheFields): MemoryCacheLimits {
  const bytesMax = config.bytes("max_size", 250 * mebibyte);
  const itemBytesMax = config.bytes("max_item_size", 125 * mebibyte);
  config.noOthers();
  if (itemBytesMax > bytesMax)
    wrong(`max item size (${itemBytesMax}) cannot be bigger than overall cache size (${bytesMax})`);
  return { bytesMax, itemBytesMax };
}

function readBreaker(config: CacheFields): BreakerOptions {
  const breaker = config.section("set_async_circuit_breaker_config");
  const options = {
    enabled: breaker.flag("enabled"),
    halfOpenMax: breaker.number("half_open_max_requests", 10),
    openMs: breaker.durationMs("open_duration", 5000),
    requestsMin: breaker.number("min_requests", 50),
    consecutiveFailures: breaker.number("consecutive_failures", 5),
    failureShare: breaker.number("failure_percent", 0.05),
  };
  breaker.noOthers();
  return options;
}

function readMemcached(config: CacheFields): MemcachedOptions {
  const options: MemcachedOptions = {
    addresses: config.list("addresses"),
    timeoutMs: config.durationMs("timeout", 500),
    maxIdleConnections: config.number("max_idle_connections", 100),
    asyncConcurrency: config.number("max_async_concurrency", 20),
    asyncBufferMax: config.number("max_async_buffer_size", 10_000),
    getConcurrency: config.number("max_get_multi_concurrency", 100),
    getBatch: config.number("max_get_multi_batch_size", 0),
    itemBytesMax: config.bytes("max_item_size", mebibyte),
    dnsIntervalMs: config.durationMs("dns_provider_update_interval", 10_000),
    autoDiscovery: config.flag("auto_discovery"),
    breaker: readBreaker(config),
  };
  config.noOthers();
  if (options.addresses.length === 0) wrong("no memcached addresses provided");
  if (options.dnsIntervalMs <= 0) wrong("DNS provider update interval must be positive");
  if (options.asyncConcurrency <= 0) wrong("max async concurrency must be positive");
  return options;
}

function readRedis(config: CacheFields): RedisOptions {
  const tls = config.section("tls_config");
  const secure = config.flag("tls_enabled");
  const certificates = {
    caFile: tls.text("ca_file"),
    certFile: tls.text("cert_file"),
    keyFile: tls.text("key_file"),
    serverName: tls.text("server_name"),
    insecureSkipVerify: tls.flag("insecure_skip_verify"),
    minVersion: tls.text("min_version"),
  };
  tls.noOthers();
  // Known, and of no use here: the library pipelines by itself and keeps nothing on this side.
  for (const key of [
    "max_get_multi_concurrency",
    "max_set_multi_concurrency",
    "set_multi_batch_size",
  ])
    config.number(key, 100);
  config.bytes("cache_size", 0);
  config.durationMs("write_timeout", 3000);
  const options: RedisOptions = {
    addresses: config
      .text("addr")
      .split(",")
      .map((address) => address.trim())
      .filter((address) => address !== ""),
    prefix: config.text("prefix"),
    username: config.text("username"),
    password: config.text("password"),
    db: config.number("db", 0),
    dialTimeoutMs: config.durationMs("dial_timeout", 5000),
    readTimeoutMs: config.durationMs("read_timeout", 3000),
    getBatch: config.number("get_multi_batch_size", 100),
    asyncBufferMax: config.number("max_async_buffer_size", 10_000),
    asyncConcurrency: config.number("max_async_concurrency", 20),
    masterName: config.text("master_name"),
    tls: secure ? certificates : null,
    breaker: readBreaker(config),
  };
  config.noOthers();
  if (options.addresses.length === 0) wrong("no redis addr provided");
  if (secure && (certificates.certFile === "") !== (certificates.keyFile === ""))
    wrong("both client key and certificate must be provided");
  return options;
}
