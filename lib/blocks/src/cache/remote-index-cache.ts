// The index cache in memcached or redis. Keys and values are Thanos', so that its gateways and ours share one.
import type { Matcher } from "@deucalion/model";
import { blake2b } from "@noble/hashes/blake2.js";
import type { CacheClient } from "./cache-client.ts";
import {
  type IndexCache,
  type IndexCacheEvents,
  type IndexCacheItem,
  matchersKey,
  type PostingsLabel,
  type ReadIndex,
} from "./index-cache.ts";
import { decodePostings, encodePostings } from "./postings-codec.ts";

const encoder = new TextEncoder();

function hashed(text: string): string {
  return Buffer.from(blake2b(encoder.encode(text), { dkLen: 32 })).toString("base64url");
}

/** Key of the postings of a selector. */
export function expandedKey(block: string, matchers: readonly Matcher[]): string {
  return `EP:${block}:${hashed(matchersKey(matchers))}:dss`;
}

/** Key of the postings of one label. */
export function postingsKey(block: string, { name, value }: PostingsLabel): string {
  return `P:${block}:${hashed(`${name}:${value}`)}:dss`;
}

/** Key of the entry of a series; `reference` is its offset in the index. */
export function seriesKey(block: string, reference: number): string {
  return `S:${block}:${reference}`;
}

export interface RemoteIndexCacheOptions {
  readonly ttlMs: number;
  readonly enabled: ReadonlySet<IndexCacheItem>;
}

export class RemoteIndexCache implements IndexCache {
  readonly #client: CacheClient;
  readonly #options: RemoteIndexCacheOptions;
  readonly #events: IndexCacheEvents;

  constructor(client: CacheClient, options: RemoteIndexCacheOptions, events: IndexCacheEvents) {
    this.#client = client;
    this.#options = options;
    this.#events = events;
  }

  async #fetch(
    item: IndexCacheItem,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    this.#events.requests(item, keys.length);
    const begun = performance.now();
    const found = await this.#client.fetch(keys, signal);
    this.#events.seconds(item, (performance.now() - begun) / 1000);
    this.#events.hits(item, found.size);
    return found;
  }

  #store(item: IndexCacheItem, key: string, value: Uint8Array): void {
    this.#events.stored(item, value.length);
    this.#client.store(key, value, this.#options.ttlMs);
  }

  async expanded(
    block: string,
    matchers: readonly Matcher[],
    signal: AbortSignal,
  ): Promise<Uint32Array | undefined> {
    if (!this.#options.enabled.has("ExpandedPostings")) return undefined;
    const key = expandedKey(block, matchers);
    const data = (await this.#fetch("ExpandedPostings", [key], signal)).get(key);
    if (data === undefined) return undefined;
    try {
      return decodePostings(data);
    } catch {
      return undefined;
    }
  }

  storeExpanded(block: string, matchers: readonly Matcher[], postings: Uint32Array): void {
    if (!this.#options.enabled.has("ExpandedPostings")) return;
    this.#store("ExpandedPostings", expandedKey(block, matchers), encodePostings(postings));
  }

  lists(
    block: string,
    labels: readonly PostingsLabel[],
    signal: AbortSignal,
  ): Promise<readonly (Uint32Array | undefined)[]> | undefined {
    if (!this.#options.enabled.has("Postings")) return undefined;
    return this.#lists(
      labels.map((label) => postingsKey(block, label)),
      signal,
    );
  }

  async #lists(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly (Uint32Array | undefined)[]> {
    const found = await this.#fetch("Postings", keys, signal);
    return keys.map((key) => {
      const data = found.get(key);
      if (data === undefined) return undefined;
      try {
        return decodePostings(data);
      } catch {
        return undefined;
      }
    });
  }

  storeList(block: string, label: PostingsLabel, postings: Uint32Array): void {
    if (!this.#options.enabled.has("Postings")) return;
    this.#store("Postings", postingsKey(block, label), encodePostings(postings));
  }

  index(
    _block: string,
    from: number,
    length: number,
    _item: "Postings" | "Series",
    read: ReadIndex,
  ): Promise<Uint8Array> {
    return read(from, length);
  }

  series(
    block: string,
    references: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, Uint8Array>> | undefined {
    if (!this.#options.enabled.has("Series")) return undefined;
    return this.#series(block, references, signal);
  }

  async #series(
    block: string,
    references: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, Uint8Array>> {
    const keys = references.map((reference) => seriesKey(block, reference));
    const found = await this.#fetch("Series", keys, signal);
    const entries = new Map<number, Uint8Array>();
    for (const [i, key] of keys.entries()) {
      const entry = found.get(key);
      if (entry !== undefined) entries.set(references[i]!, entry);
    }
    return entries;
  }

  storeSeries(block: string, reference: number, entry: Uint8Array): void {
    if (!this.#options.enabled.has("Series")) return;
    this.#store("Series", seriesKey(block, reference), entry.slice());
  }

  forget(): void {
    // Only what was verified is kept.
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
