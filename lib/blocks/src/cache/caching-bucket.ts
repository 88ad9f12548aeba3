// A bucket that remembers what it was asked: chunks in subranges, meta files, the list of blocks. Keys and values are
// Thanos', so that a cache can be shared with its gateways.
import type { Bucket, ListEntry, ListOptions, ObjectAttributes } from "@deucalion/objstore";
import { ForwardingBucket, isNotFound, ObjstoreError } from "@deucalion/objstore";
import type { CacheClient } from "./cache-client.ts";

/** Sizes in bytes, times in ms. */
export interface CachingBucketOptions {
  readonly subrangeBytes: number;
  /** Requests that the missing subranges of one read may become; 0 is no limit. */
  readonly subrangeRequestsMax: number;
  readonly metaBytesMax: number;
  readonly chunkAttributesTtlMs: number;
  readonly chunkSubrangeTtlMs: number;
  readonly blocksIterTtlMs: number;
  readonly metaExistsTtlMs: number;
  readonly metaMissingTtlMs: number;
  readonly metaContentTtlMs: number;
  /** Tells the lists of different buckets apart. */
  readonly configHash: string;
}

/** Where the figures go; names are those of `thanos_store_bucket_cache_*`. */
export interface CachingBucketEvents {
  request(operation: string, config: string): void;
  /** `share` of one request, 0 to 1. */
  hit(operation: string, config: string, share: number): void;
  requestedBytes(config: string, bytes: number): void;
  fetchedBytes(origin: "cache" | "bucket", config: string, bytes: number): void;
}

export interface CachingBucketDeps {
  readonly cache: CacheClient;
  readonly events: CachingBucketEvents;
  readonly now: () => number;
}

/** Names of chunk files. */
export const chunkPattern = /^.*\/chunks\/\d+$/;
/** Names of the small files that are kept whole. */
export const metaPattern = /\/(meta|deletion-mark)\.json$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const metas = "meta.jsons";
const chunks = "chunks";
const list = "blocks-iter";

export class CachingBucket extends ForwardingBucket {
  readonly #options: CachingBucketOptions;
  readonly #deps: CachingBucketDeps;

  constructor(inner: Bucket, options: CachingBucketOptions, deps: CachingBucketDeps) {
    super(inner);
    this.#options = options;
    this.#deps = deps;
  }

  override get name(): string {
    return `caching: ${this.inner.name}`;
  }

  async #one(key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return (await this.#deps.cache.fetch([key], signal)).get(key);
  }

  #store(key: string, value: Uint8Array | string, ttlMs: number, sinceMs: number): void {
    const left = ttlMs - (this.#deps.now() - sinceMs);
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    if (left > 0) this.#deps.cache.store(key, bytes, left);
  }

  #storeExists(name: string, exists: boolean, sinceMs: number): void {
    const { metaExistsTtlMs, metaMissingTtlMs } = this.#options;
    const ttlMs = exists ? metaExistsTtlMs : metaMissingTtlMs;
    this.#store(`exists:${name}`, String(exists), ttlMs, sinceMs);
  }

  override async get(name: string, signal: AbortSignal): Promise<Uint8Array> {
    if (!metaPattern.test(name)) return this.inner.get(name, signal);
    const { cache, events, now } = this.#deps;
    signal.throwIfAborted();
    events.request("get", metas);
    const [content, exists] = [`content:${name}`, `exists:${name}`];
    const hits = await cache.fetch([content, exists], signal);
    const known = hits.get(content);
    if (known !== undefined) {
      events.hit("get", metas, 1);
      return known.slice();
    }
    const there = hits.get(exists);
    if (there !== undefined && decoder.decode(there) === "false") {
      events.hit("get", metas, 1);
      throw new ObjstoreError("OBJSTORE_NOT_FOUND", `object does not exist: ${name}`, { name });
    }
    const begun = now();
    try {
      const data = await this.inner.get(name, signal);
      this.#storeExists(name, true, begun);
      if (data.length <= this.#options.metaBytesMax)
        this.#store(content, data.slice(), this.#options.metaContentTtlMs, begun);
      return data;
    } catch (error) {
      if (isNotFound(error)) this.#storeExists(name, false, begun);
      throw error;
    }
  }

  override async exists(name: string, signal: AbortSignal): Promise<boolean> {
    if (!metaPattern.test(name)) return this.inner.exists(name, signal);
    const { events, now } = this.#deps;
    signal.throwIfAborted();
    events.request("exists", metas);
    const known = await this.#one(`exists:${name}`, signal);
    const text = known === undefined ? "" : decoder.decode(known);
    if (text === "true" || text === "false") {
      events.hit("exists", metas, 1);
      return text === "true";
    }
    const begun = now();
    const there = await this.inner.exists(name, signal);
    this.#storeExists(name, there, begun);
    return there;
  }

  override async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    if (!chunkPattern.test(name)) return this.inner.attributes(name, signal);
    const { events, now } = this.#deps;
    signal.throwIfAborted();
    events.request("attributes", chunks);
    const key = `attrs:${name}`;
    const known = parseAttributes(await this.#one(key, signal));
    if (known !== undefined) {
      events.hit("attributes", chunks, 1);
      return known;
    }
    const begun = now();
    const found = await this.inner.attributes(name, signal);
    const text = JSON.stringify({
      size: found.size,
      last_modified: new Date(found.lastModifiedMs).toISOString(),
    });
    this.#store(key, text, this.#options.chunkAttributesTtlMs, begun);
    return found;
  }

  override async *iter(
    prefix: string,
    options: ListOptions,
    signal: AbortSignal,
  ): AsyncIterable<ListEntry> {
    if (prefix !== "") {
      yield* this.inner.iter(prefix, options, signal);
      return;
    }
    const { events, now } = this.#deps;
    signal.throwIfAborted();
    events.request("iter", list);
    const verb = options.recursive === true ? "iter-recursive" : "iter";
    const key = `${verb}:${prefix}:${this.#options.configHash}`;
    const known = parseNames(await this.#one(key, signal));
    if (known !== undefined) {
      events.hit("iter", list, 1);
      for (const name of known) {
        signal.throwIfAborted();
        yield { name };
      }
      return;
    }
    const begun = now();
    const names: string[] = [];
    for await (const entry of this.inner.iter(prefix, options, signal)) {
      names.push(entry.name);
      yield entry;
    }
    this.#store(key, JSON.stringify(names), this.#options.blocksIterTtlMs, begun);
  }

  override async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (length <= 0 || !chunkPattern.test(name))
      return this.inner.getRange(name, offset, length, signal);
    const { cache, events } = this.#deps;
    const { subrangeBytes } = this.#options;
    events.request("get_range", chunks);
    events.requestedBytes(chunks, length);
    const { size } = await this.attributes(name, signal);
    const end = Math.min(offset + length, size);
    if (offset >= end) return new Uint8Array(0);
    const first = Math.floor(offset / subrangeBytes);
    const count = Math.ceil(end / subrangeBytes) - first;
    const keys: string[] = [];
    for (let i = first; i < first + count; i++) {
      const from = i * subrangeBytes;
      keys.push(`subrange:${name}:${from}:${Math.min(from + subrangeBytes, size)}`);
    }
    const found = new Map(await cache.fetch(keys, signal));
    let bytes = 0;
    for (const [key, value] of found) {
      // Of another length than its key says, it would move all that follows.
      const [from, to] = key.split(":").slice(-2).map(Number) as [number, number];
      if (value.length === to - from) bytes += value.length;
      else found.delete(key);
    }
    events.fetchedBytes("cache", chunks, bytes);
    events.hit("get_range", chunks, found.size / keys.length);
    if (found.size < keys.length) await this.#fetchMissing(name, first, keys, size, found, signal);
    const out = new Uint8Array(end - offset);
    for (const [i, key] of keys.entries()) {
      const from = (first + i) * subrangeBytes;
      const value = found.get(key)!;
      const skip = Math.max(0, offset - from);
      out.set(value.subarray(skip, Math.min(value.length, end - from)), from + skip - offset);
    }
    return out;
  }

  async #fetchMissing(
    name: string,
    first: number,
    keys: readonly string[],
    size: number,
    found: Map<string, Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const { cache, events, now } = this.#deps;
    const { subrangeBytes, subrangeRequestsMax, chunkSubrangeTtlMs } = this.#options;
    const missing = keys.flatMap((key, i) => (found.has(key) ? [] : [{ from: i, to: i + 1 }]));
    const runs = joinRuns(missing, subrangeRequestsMax);
    const begun = now();
    await Promise.all(
      runs.map(async ({ from, to }) => {
        const start = (first + from) * subrangeBytes;
        const end = Math.min((first + to) * subrangeBytes, size);
        const data = await this.inner.getRange(name, start, end - start, signal);
        if (data.length !== end - start)
          throw new ObjstoreError("OBJSTORE_TRUNCATED", `${name} is shorter than it was`, {
            name,
            want: end - start,
            got: data.length,
          });
        events.fetchedBytes("bucket", chunks, data.length);
        for (let i = from; i < to; i++) {
          const key = keys[i]!;
          if (found.has(key)) continue;
          const at = (i - from) * subrangeBytes;
          const part = data.slice(at, at + subrangeBytes);
          found.set(key, part);
          const left = chunkSubrangeTtlMs - (now() - begun);
          if (left > 0) cache.store(key, part, left);
        }
      }),
    );
  }

  override async close(): Promise<void> {
    await this.#deps.cache.close();
    await this.inner.close();
  }
}

interface Run {
  readonly from: number;
  readonly to: number;
}

/** Joins neighbours, then runs across growing gaps until there are at most `max`. */
export function joinRuns(runs: readonly Run[], max: number): Run[] {
  let joined = joinAcross(runs, 0);
  for (let gap = 1; max > 0 && joined.length > max; gap *= 2) joined = joinAcross(joined, gap);
  return joined;
}

function joinAcross(runs: readonly Run[], gap: number): Run[] {
  const out: Run[] = [];
  for (const run of runs) {
    const last = out.at(-1);
    if (last !== undefined && run.from - last.to <= gap)
      out[out.length - 1] = { from: last.from, to: run.to };
    else out.push(run);
  }
  return out;
}

function parseJson(data: Uint8Array | undefined): unknown {
  if (data === undefined) return undefined;
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return undefined;
  }
}

function parseAttributes(data: Uint8Array | undefined): ObjectAttributes | undefined {
  const { size, last_modified: time } = (parseJson(data) ?? {}) as {
    size?: unknown;
    last_modified?: unknown;
  };
  if (typeof size !== "number") return undefined;
  return { size, lastModifiedMs: Date.parse(String(time)) || 0 };
}

function parseNames(data: Uint8Array | undefined): string[] | undefined {
  const names = parseJson(data);
  return Array.isArray(names) && names.every((name) => typeof name === "string")
    ? names
    : undefined;
}
