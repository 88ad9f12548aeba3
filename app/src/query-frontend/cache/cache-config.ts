// The YAML of the response caches.
import { parseByteSize, parseGoDuration } from "@deucalion/base";
import { type CacheBackend, CacheFields, readCacheBackend } from "@deucalion/blocks";
import { parse } from "yaml";
import { AppError } from "../../errors.ts";

/** A cache in memory; 0 is no limit, but not for both sizes. */
export interface MemoryCacheConfig {
  readonly type: "memory";
  readonly bytesMax: number;
  readonly itemsMax: number;
  /** Entries live so long; 0 for ever. */
  readonly validityMs: number;
}

/** A cache that several frontends share. */
export interface RemoteCacheConfig {
  readonly type: "remote";
  readonly backend: CacheBackend;
  /** The server forgets an entry after so long. */
  readonly expirationMs: number;
}

export type CacheConfig = MemoryCacheConfig | RemoteCacheConfig;

const day = 86_400_000;

function invalid(message: string): never {
  throw new AppError("APP_CONFIG", `response cache config: ${message}`);
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) invalid("must be a mapping");
  return value as Readonly<Record<string, unknown>>;
}

function readMemory(config: Readonly<Record<string, unknown>>): MemoryCacheConfig | null {
  const { max_size: size, max_size_items: items, validity } = config;
  const bytesMax =
    size === undefined || size === null || size === "" ? 0 : parseByteSize(String(size as string));
  const itemsMax = Number(items ?? 0);
  if (!Number.isInteger(itemsMax) || itemsMax < 0) invalid("max_size_items must be a whole number");
  const life = validity === undefined || validity === null ? "0s" : String(validity as string);
  if (bytesMax === 0 && itemsMax === 0) return null;
  return {
    type: "memory",
    bytesMax,
    itemsMax,
    validityMs: life === "0" ? 0 : parseGoDuration(life),
  };
}

/** Values that make no sense give way to the defaults, as in Thanos. */
function readRemote(type: "MEMCACHED" | "REDIS", value: unknown): RemoteCacheConfig {
  const config = new CacheFields(value, "config");
  const expirationMs = config.durationMs("expiration", day) || day;
  const corrected: Record<string, unknown> = { ...mapping(value) };
  delete corrected.expiration;
  if (type === "MEMCACHED") {
    if (!(Number(corrected.max_async_concurrency ?? 0) > 0)) corrected.max_async_concurrency = 10;
    if (config.durationMs("dns_provider_update_interval", 10_000) <= 0) {
      corrected.dns_provider_update_interval = "10s";
    }
  }
  const backend = readCacheBackend(type, new CacheFields(corrected, "config"));
  return { type: "remote", backend, expirationMs };
}

/** Parses the document; null for no cache. Throws APP_CONFIG. */
export function parseCacheConfig(yaml: string): CacheConfig | null {
  if (yaml.trim() === "") return null;
  try {
    const document = mapping(parse(yaml));
    for (const key of Object.keys(document)) {
      if (key !== "type" && key !== "config") invalid(`field ${key} not found`);
    }
    const type = typeof document.type === "string" ? document.type.toUpperCase() : "";
    switch (type) {
      case "IN-MEMORY":
        return readMemory(mapping(document.config));
      case "MEMCACHED":
      case "REDIS":
        return readRemote(type, document.config);
      default:
        return invalid(
          `response cache with type ${JSON.stringify(document.type ?? "")} is not supported`,
        );
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    return invalid((error as Error).message);
  }
}
