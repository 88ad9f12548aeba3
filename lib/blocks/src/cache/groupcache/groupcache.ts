// A cache spread over the gateways themselves: each holds the keys that a ring gives it, and is asked for them by the others.
import { setMaxListeners } from "node:events";
import { type Log, messageOf } from "@deucalion/base";
import type { Bucket } from "@deucalion/objstore";
import type { CacheClient, CacheEvents } from "../cache-client.ts";
import { silentCacheEvents } from "../cache-client.ts";
import type { CachingBucketOptions } from "../caching-bucket.ts";
import { MemoryCache } from "../memory-cache.ts";
import { CachePeer, type PeerValue } from "./cache-peer.ts";
import { loadKey, missingKey } from "./load-key.ts";
import { PeerRing } from "./peer-ring.ts";

/** Peers are asked for this many keys of one call at once. */
const asksMax = 64;
/** A value that peers wait for is read within this time. */
const loadMsMax = 60_000;
/** This part of the memory is for what belongs to others. */
const hotShare = 8;

export interface GroupcacheOptions {
  /** Addresses, with DNS schemes or without. */
  readonly peers: readonly string[];
  /** Ours in the list of peers. */
  readonly selfUrl: string;
  readonly group: string;
  readonly bytesMax: number;
  readonly dnsIntervalMs: number;
  /** 0 is no limit but the call's own. */
  readonly timeoutMs: number;
}

export interface GroupcacheDeps {
  /** What is read for peers. */
  readonly bucket: Bucket;
  readonly caching: CachingBucketOptions;
  readonly log: Log;
  readonly events: CacheEvents;
  readonly now: () => number;
  readonly resolve: (addresses: readonly string[]) => Promise<readonly string[]>;
}

/** Counted since the start. */
export interface GroupcacheStats {
  gets: number;
  mainHits: number;
  hotHits: number;
  peerLoads: number;
  peerLoadErrors: number;
  backendLoads: number;
  backendLoadErrors: number;
}

export class Groupcache implements CacheClient {
  readonly options: GroupcacheOptions;
  readonly stats: GroupcacheStats = {
    gets: 0,
    mainHits: 0,
    hotHits: 0,
    peerLoads: 0,
    peerLoadErrors: 0,
    backendLoads: 0,
    backendLoadErrors: 0,
  };
  /** Ours, and what no peer gave. */
  readonly main: MemoryCache;
  /** What peers gave. */
  readonly hot: MemoryCache;
  readonly #deps: GroupcacheDeps;
  readonly #loading = new Map<string, Promise<PeerValue>>();
  readonly #peers = new Map<string, CachePeer>();
  #ring = new PeerRing([]);
  #resolving: Promise<void> | undefined;
  #resolvedMs = Number.NEGATIVE_INFINITY;

  constructor(options: GroupcacheOptions, deps: GroupcacheDeps) {
    this.options = options;
    this.#deps = deps;
    const hot = Math.floor(options.bytesMax / hotShare);
    const memory = (bytesMax: number): MemoryCache =>
      new MemoryCache({ bytesMax, itemBytesMax: bytesMax }, deps.now, silentCacheEvents);
    this.main = memory(options.bytesMax - hot);
    this.hot = memory(hot);
  }

  /** Looks the peers up again when that is due; only the first look is waited for. */
  async #ready(): Promise<void> {
    const { now, log } = this.#deps;
    if (now() - this.#resolvedMs >= this.options.dnsIntervalMs && this.#resolving === undefined) {
      const first = this.#resolvedMs === Number.NEGATIVE_INFINITY;
      this.#resolving = this.#resolve()
        .catch((error: unknown) => {
          log.error("failed to resolve addresses for groupcache", { err: messageOf(error) });
        })
        .finally(() => {
          this.#resolvedMs = now();
          this.#resolving = undefined;
        });
      if (first) await this.#resolving;
    }
  }

  async #resolve(): Promise<void> {
    const addresses = [...new Set(await this.#deps.resolve(this.options.peers))].sort();
    for (const [address, peer] of this.#peers) {
      if (addresses.includes(address)) continue;
      peer.close();
      this.#peers.delete(address);
    }
    for (const address of addresses)
      if (address !== this.options.selfUrl && !this.#peers.has(address))
        this.#peers.set(address, new CachePeer(address));
    this.#ring = new PeerRing(addresses);
  }

  #local(key: string): Uint8Array | undefined {
    this.stats.gets++;
    const mine = this.main.get(key);
    if (mine !== undefined) {
      this.stats.mainHits++;
      return mine;
    }
    const theirs = this.hot.get(key);
    if (theirs !== undefined) this.stats.hotHits++;
    return theirs;
  }

  async fetch(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    this.#deps.events.operation("get");
    await this.#ready();
    const found = new Map<string, Uint8Array>();
    const asks: { readonly key: string; readonly peer: CachePeer }[] = [];
    for (const key of keys) {
      const value = this.#local(key);
      const peer = value === undefined ? this.#peers.get(this.#ring.owner(key) ?? "") : undefined;
      if (value !== undefined) found.set(key, value);
      else if (peer !== undefined) asks.push({ key, peer });
    }
    if (asks.length === 0) return found;
    const { timeoutMs } = this.options;
    const limit =
      timeoutMs === 0 ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    // Each call to a peer listens.
    setMaxListeners(0, limit);
    const worker = async (): Promise<void> => {
      for (let ask = asks.pop(); ask !== undefined && !limit.aborted; ask = asks.pop()) {
        const value = await this.#ask(ask.peer, ask.key, limit);
        if (value !== undefined) found.set(ask.key, value);
      }
    };
    await Promise.all(Array.from({ length: Math.min(asksMax, asks.length) }, worker));
    return found;
  }

  async #ask(peer: CachePeer, key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const { value, untilMs } = await peer.fetch(this.options.group, key, signal);
      this.stats.peerLoads++;
      const ttlMs = untilMs - this.#deps.now();
      if (ttlMs > 0) this.hot.store(key, value, ttlMs);
      // As Thanos has it: nothing is no value.
      return value.length === 0 ? undefined : value;
    } catch (error) {
      this.stats.peerLoadErrors++;
      this.#deps.events.failure("get", signal.aborted ? "timeout" : "connection");
      this.#deps.log.debug("failed fetching data from groupcache", { key, err: messageOf(error) });
      return undefined;
    }
  }

  /** Keeps what was read here: ours, and what the peer that should have it did not give. */
  store(key: string, value: Uint8Array, ttlMs: number): void {
    this.#deps.events.operation("set");
    this.main.store(key, value, ttlMs);
  }

  /** What a peer asks for, from memory or the bucket; never from another peer. Throws BLOCKS_CACHE for keys that are none. */
  answer(key: string): Promise<PeerValue> {
    this.stats.gets++;
    const known = this.main.entry(key);
    if (known !== undefined) {
      this.stats.mainHits++;
      return Promise.resolve(known);
    }
    const running = this.#loading.get(key) ?? this.#load(key);
    this.#loading.set(key, running);
    return running;
  }

  async #load(key: string): Promise<PeerValue> {
    const { bucket, caching, now } = this.#deps;
    const begun = now();
    try {
      const limit = AbortSignal.timeout(loadMsMax);
      const { value, ttlMs } = await loadKey(key, bucket, caching, limit);
      this.stats.backendLoads++;
      this.main.store(key, value, ttlMs);
      return { value, untilMs: begun + ttlMs };
    } catch (error) {
      this.stats.backendLoadErrors++;
      const missing = missingKey(key, error);
      if (missing !== undefined)
        this.main.store(missing, new TextEncoder().encode("false"), caching.metaMissingTtlMs);
      throw error;
    } finally {
      this.#loading.delete(key);
    }
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    await this.main.close();
    await this.hot.close();
  }
}
