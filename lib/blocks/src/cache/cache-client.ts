// What every cache offers: bytes under short keys, for a while. A cache never fails a query: it forgets.

/** A cache shared by many queries. */
export interface CacheClient {
  /** What is there of `keys`. Nothing where the cache does not answer in time. Bytes are not to be changed. */
  fetch(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Keeps `value` for about `ttlMs`; returns at once. `value` must not change any more. */
  store(key: string, value: Uint8Array, ttlMs: number): void;
  close(): Promise<void>;
}

/** What becomes of what is asked and stored. */
export interface CacheEvents {
  /** An operation began. */
  operation(kind: "get" | "set"): void;
  /** It failed, or what was to be stored was dropped; `reason` is a word. */
  failure(kind: "get" | "set", reason: string): void;
}

export const silentCacheEvents: CacheEvents = {
  operation: () => undefined,
  failure: () => undefined,
};
