// The YAML of the response caches.
import { parseByteSize, parseGoDuration } from "@deucalion/base";
import { parse } from "yaml";
import { AppError } from "../../errors.ts";

/** The in-memory cache; 0 is no limit, but not for both sizes. */
export interface CacheConfig {
  readonly bytesMax: number;
  readonly itemsMax: number;
  /** Entries live so long; 0 for ever. */
  readonly validityMs: number;
}

function invalid(message: string): never {
  throw new AppError("APP_CONFIG", `response cache config: ${message}`);
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) invalid("must be a mapping");
  return value as Readonly<Record<string, unknown>>;
}

/** Parses the document; null for no cache. Throws APP_CONFIG, APP_NOT_BUILT for memcached and redis. */
export function parseCacheConfig(yaml: string): CacheConfig | null {
  if (yaml.trim() === "") return null;
  const document = mapping(parse(yaml));
  for (const key of Object.keys(document)) {
    if (key !== "type" && key !== "config") invalid(`field ${key} not found`);
  }
  const type = typeof document.type === "string" ? document.type.toUpperCase() : "";
  if (type === "MEMCACHED" || type === "REDIS") {
    throw new AppError(
      "APP_NOT_BUILT",
      `response cache of type ${type} is not part of this version yet`,
    );
  }
  if (type !== "IN-MEMORY") {
    invalid(`response cache with type ${JSON.stringify(document.type ?? "")} is not supported`);
  }
  const config = mapping(document.config);
  const { max_size: size, max_size_items: items, validity } = config;
  try {
    const bytesMax =
      size === undefined || size === null || size === ""
        ? 0
        : parseByteSize(String(size as string));
    const itemsMax = Number(items ?? 0);
    if (!Number.isInteger(itemsMax) || itemsMax < 0)
      invalid("max_size_items must be a whole number");
    const life = validity === undefined || validity === null ? "0s" : String(validity as string);
    if (bytesMax === 0 && itemsMax === 0) return null;
    return { bytesMax, itemsMax, validityMs: life === "0" ? 0 : parseGoDuration(life) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    return invalid((error as Error).message);
  }
}
