// The view of a bucket: which blocks there are, after filters, and what is wrong with the others.
import { setMaxListeners } from "node:events";
import { type Log, messageOf } from "@deucalion/base";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { eachLimited } from "../each-limited.ts";
import { BlocksError } from "../errors.ts";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";
import { type BlockListing, type DiscoveryStrategy, listBlocks } from "./block-lister.ts";
import { FoundBlocks } from "./found-blocks.ts";
import { MetaCache } from "./meta-cache.ts";
import type { BlockState, MetaFilter } from "./meta-filter.ts";

/** So many new metas are written to their folder before a view is given; more than that go on behind its back. */
const writtenAtOnce = 200;

export interface MetaFetcherOptions {
  readonly strategy: DiscoveryStrategy;
  /** meta.json files read at once. */
  readonly readsMax: number;
  /** Where metas are kept between runs; undefined for memory only. */
  readonly cacheDir: string | undefined;
}

export interface MetaFetcherDeps {
  readonly bucket: Bucket;
  readonly filters: readonly MetaFilter[];
  readonly log: Log;
  readonly now: () => number;
}

export interface MetaView {
  readonly metas: ReadonlyMap<string, BlockMeta>;
  /** Blocks without a meta.json, or with one that is not JSON, and why. */
  readonly partial: ReadonlyMap<string, string>;
  /** Blocks whose meta.json exists but is damaged, of another version, or could not be read, and why. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** How many blocks ended in each state. */
  readonly states: ReadonlyMap<BlockState, number>;
  /** Some meta.json could not be read for a reason that may pass; the view may lack blocks. */
  readonly incomplete: boolean;
  readonly durationMs: number;
  /** Marks of the blocks that have some, where the listing showed them. */
  readonly marks: BlockListing["marks"];
}

/** Reads and filters the metas of a bucket. Concurrent calls share one run. */
export class MetaFetcher {
  readonly #options: MetaFetcherOptions;
  readonly #deps: MetaFetcherDeps;
  readonly #cache: MetaCache;
  #running: Promise<MetaView> | undefined;

  constructor(options: MetaFetcherOptions, deps: MetaFetcherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#cache = new MetaCache(options.cacheDir, deps.log);
  }

  /** Throws BLOCKS_LIST if the bucket cannot be listed. One bad meta.json never hides the others. */
  fetch(signal: AbortSignal): Promise<MetaView> {
    this.#running ??= this.#run(signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Done when all metas that were read have been written to `cacheDir`. */
  written(): Promise<void> {
    return this.#cache.flush();
  }

  async #run(signal: AbortSignal): Promise<MetaView> {
    const { filters, log, now } = this.#deps;
    const start = now();
    // Every read listens to it.
    setMaxListeners(0, signal);
    const { listing, loaded } = await this.#listAndLoad(signal);
    const metas = new Map<string, BlockMeta>();
    const partial = new Map<string, string>();
    const unreadable = new Map<string, string>();
    const states = new Map<BlockState, number>();
    const count = (state: BlockState): void => {
      states.set(state, (states.get(state) ?? 0) + 1);
    };
    let incomplete = false;
    for (const id of listing.partial) {
      partial.set(id, `block ${id} has no meta file`);
      count("no-meta-json");
    }
    for (const id of listing.complete.keys()) {
      const outcome = loaded.get(id);
      if (outcome === undefined) continue;
      if (!(outcome instanceof Error)) {
        metas.set(id, outcome);
        continue;
      }
      const reason = messageOf(outcome);
      if (isNotFound(outcome)) {
        partial.set(id, reason);
        count("no-meta-json");
        continue;
      }
      unreadable.set(id, reason);
      if (outcome instanceof BlocksError && outcome.code === "BLOCKS_META") {
        partial.set(id, reason);
        count("corrupted-meta-json");
      } else {
        count("failed");
        incomplete ||= !(outcome instanceof BlocksError);
      }
      log.warn("block is left out", { block: id, err: reason });
    }
    if (!incomplete) await this.#cache.keepOnly(listing.complete);
    const all = new Map([...metas].sort(([a], [b]) => (a < b ? -1 : 1)));
    for (const filter of filters)
      await filter.filter(all, (_, state) => count(state), signal, listing);
    states.set("loaded", all.size);
    const durationMs = now() - start;
    log.info("successfully synchronized block metadata", {
      duration_ms: durationMs,
      cached: this.#cache.size,
      returned: all.size,
      partial: partial.size,
    });
    const few = this.#cache.unwritten <= writtenAtOnce;
    const writing = this.#cache.flush();
    if (few) await writing;
    const { marks } = listing;
    return { metas: all, partial, unreadable, states, incomplete, durationMs, marks };
  }

  /** Lists the bucket, and reads what the listing finds while it goes on: the meta of each block, or why there is none. */
  async #listAndLoad(
    signal: AbortSignal,
  ): Promise<{ listing: BlockListing; loaded: ReadonlyMap<string, BlockMeta | Error> }> {
    const { bucket } = this.#deps;
    const found = new FoundBlocks();
    const loaded = new Map<string, BlockMeta | Error>();
    const loading = eachLimited(found, this.#options.readsMax, async ([id, modifiedMs]) => {
      try {
        loaded.set(id, await this.#load(id, modifiedMs, signal));
      } catch (error) {
        signal.throwIfAborted();
        loaded.set(id, error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
    // Waited for below; it fails only when the process stops.
    loading.catch(() => undefined);
    try {
      const listing = await listBlocks(bucket, this.#options.strategy, signal, (id, modifiedMs) =>
        found.add(id, modifiedMs),
      );
      found.end();
      await loading;
      return { listing, loaded };
    } catch (cause) {
      found.drop();
      await loading.catch(() => undefined);
      signal.throwIfAborted();
      throw new BlocksError("BLOCKS_LIST", `list blocks: ${messageOf(cause)}`, {}, { cause });
    }
  }

  async #load(id: string, modifiedMs: number, signal: AbortSignal): Promise<BlockMeta> {
    const cached = await this.#cache.get(id, modifiedMs);
    if (cached !== undefined) return cached;
    const text = new TextDecoder().decode(await this.#deps.bucket.get(`${id}/meta.json`, signal));
    const meta = parseBlockMeta(text);
    // The folder names the block; a meta.json that names another was copied by mistake.
    if (meta.ulid !== id) {
      const message = `meta.json: ulid is ${meta.ulid}, the folder is ${id}`;
      throw new BlocksError("BLOCKS_META", message, { id, ulid: meta.ulid });
    }
    this.#cache.put(id, modifiedMs, meta, text);
    return meta;
  }
}
