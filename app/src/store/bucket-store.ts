// A bucket, the view of its blocks, and the source that serves them: what `store` runs, and others in their process.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import {
  BucketSource,
  blockIdOf,
  consistencyDelayFilter,
  DeletionMarkFilter,
  type DiscoveryStrategy,
  duplicateFilter,
  type Groupcache,
  HeaderPool,
  headerPoolDefaults,
  type IndexCache,
  labelShardFilter,
  MetaFetcher,
  type MetaView,
  memoryShares,
  ParquetConvertedFilter,
  removeIndexHeader,
  type ServeOptions,
  serveDefaults,
  timePartitionFilter,
} from "@deucalion/blocks";
import type { BytePool, Xxhash64 } from "@deucalion/kernels";
import type { Bucket, StartBucketSpan } from "@deucalion/objstore";
import type { Registry } from "prom-client";
import type { ConfigText } from "../flags/config-text.ts";
import { FetchMetrics } from "./fetch-metrics.ts";
import { openConfiguredBucket } from "./open-bucket.ts";
import { openConfiguredIndexCache, withConfiguredCache } from "./open-caches.ts";
import { RecentHeaders } from "./recent-headers.ts";
import { selectorRelabel } from "./selector.ts";
import { StoreMetrics } from "./store-metrics.ts";

/** What is shared out where nobody says how much memory there is. */
const usualMemoryBytes = 4 * 2 ** 30;

export interface BucketStoreOptions {
  /** YAML of the bucket. */
  readonly bucketConfig: string;
  /** Where that text came from: a file is read again when it changes. */
  readonly bucketConfigSource?: ConfigText | undefined;
  /** YAML of a bucket with Parquet files: blocks that were converted are left out. */
  readonly parquetConfig?: string;
  readonly dataDir: string;
  /** False keeps index-headers in a temporary folder that goes with the process. */
  readonly cacheIndexHeader: boolean;
  readonly discovery: DiscoveryStrategy;
  readonly metaFetchConcurrency: number;
  /** Bounds of what is served in ms, asked for when needed. */
  readonly minTime: () => number;
  readonly maxTime: () => number;
  readonly consistencyDelayMs: number;
  readonly ignoreDeletionMarksDelayMs: number;
  /** YAML of the rules that choose blocks; "" for all. */
  readonly selectorRelabelConfig: string;
  readonly serve: Partial<ServeOptions>;
  /** YAML of the index cache; "" for memory of `indexCacheBytes`, of which 0 is no cache. */
  readonly indexCacheConfig: string;
  readonly indexCacheBytes: number;
  /** YAML of the cache in front of the bucket; "" for none. */
  readonly cachingBucketConfig: string;
  /** Path of that YAML: part of keys, as in Thanos. */
  readonly cachingBucketPath: string;
  /** Memory that all of it may take, in bytes; undefined for the usual sizes. */
  readonly memoryBytes?: number;
  readonly headers?: {
    /** Open a header when a query needs it first, and close it after `idleMs` without one. */
    readonly lazy: boolean;
    readonly idleMs: number;
    /** Most bytes of all headers on disk; 0 for no limit. */
    readonly diskMax: number;
    /** Every so manieth value of a label is kept in memory. */
    readonly sampling: number;
  };
}

export const bucketStoreDefaults: Omit<BucketStoreOptions, "bucketConfig" | "dataDir"> = {
  cacheIndexHeader: true,
  discovery: "concurrent",
  metaFetchConcurrency: 32,
  minTime: () => Number.MIN_SAFE_INTEGER,
  maxTime: () => Number.MAX_SAFE_INTEGER,
  consistencyDelayMs: 0,
  ignoreDeletionMarksDelayMs: 24 * 3_600_000,
  selectorRelabelConfig: "",
  serve: {},
  indexCacheConfig: "",
  indexCacheBytes: 0,
  cachingBucketConfig: "",
  cachingBucketPath: "",
};

export interface BucketStoreDeps {
  readonly log: Log;
  readonly registry: Registry;
  /** Named to the object store. */
  readonly component?: string;
  /** Told of each call to the object store. */
  readonly startSpan?: StartBucketSpan;
  readonly xxhash: Xxhash64;
  /** Memory for chunks. */
  readonly bytePool?: BytePool | undefined;
  readonly now: () => number;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
}

/** Serves nothing before the first `sync`. */
export class BucketStore {
  readonly bucket: Bucket;
  /** What other gateways of a groupcache are to be answered from. */
  readonly peers: Groupcache | undefined;
  readonly source: BucketSource;
  readonly metrics: StoreMetrics;
  readonly #deps: BucketStoreDeps;
  readonly #fetcher: MetaFetcher;
  readonly #fetchMetrics: FetchMetrics;
  readonly #dataDir: string;
  readonly #temporary: boolean;
  readonly #indexCache: IndexCache | undefined;
  readonly #recent: RecentHeaders;
  readonly #parquet: Bucket | undefined;
  readonly #lazyHeaders: boolean;
  readonly #sweep: NodeJS.Timeout | undefined;

  private constructor(
    options: BucketStoreOptions,
    deps: BucketStoreDeps,
    { bucket, peers }: { readonly bucket: Bucket; readonly peers: Groupcache | undefined },
    dataDir: string,
  ) {
    const { log, now, signal, xxhash, bytePool } = deps;
    const shares = memoryShares(options.memoryBytes ?? usualMemoryBytes);
    this.bucket = bucket;
    this.peers = peers;
    this.#deps = deps;
    this.#dataDir = dataDir;
    this.#temporary = !options.cacheIndexHeader;
    this.#fetchMetrics = new FetchMetrics(deps.registry);
    this.metrics = new StoreMetrics(deps.registry);
    const marks = {
      delayMs: options.ignoreDeletionMarksDelayMs,
      readsMax: options.metaFetchConcurrency,
    };
    const warn = (message: string): void => log.warn(message);
    if (options.parquetConfig !== undefined && options.parquetConfig !== "")
      this.#parquet = openConfiguredBucket(options.parquetConfig, deps.registry, {
        component: deps.component ?? "store",
        log,
      });
    const converted =
      this.#parquet &&
      new ParquetConvertedFilter({ bucket: this.#parquet, readsMax: marks.readsMax });
    const filters = [
      ...(converted === undefined ? [] : [converted]),
      timePartitionFilter(options.minTime, options.maxTime),
      labelShardFilter(selectorRelabel(options.selectorRelabelConfig)),
      consistencyDelayFilter(options.consistencyDelayMs, now),
      new DeletionMarkFilter(marks, { bucket, now, warn }),
      duplicateFilter(),
    ];
    this.#fetcher = new MetaFetcher(
      {
        // Asking for each block costs a request for each, four times an hour: it is done where a listing would be longer.
        strategy: options.discovery === "concurrent" ? "frugal" : options.discovery,
        // Thanos asks for four things of each block with so many requests at once, we for one.
        readsMax: options.metaFetchConcurrency * (options.discovery === "concurrent" ? 4 : 1),
        cacheDir: options.cacheIndexHeader ? join(dataDir, "meta-syncer") : undefined,
      },
      { bucket, filters, log, now },
    );
    this.#indexCache =
      options.indexCacheConfig === "" && options.indexCacheBytes === 0
        ? undefined
        : openConfiguredIndexCache(
            options.indexCacheConfig,
            Math.min(options.indexCacheBytes, shares.indexCache),
            deps,
          );
    const { headers } = options;
    const idleMs = headers?.lazy === true ? headers.idleMs : 0;
    const pool = new HeaderPool(
      { ...headerPoolDefaults, memoryMax: shares.headers, idleMs },
      { now: () => performance.now(), events: this.metrics },
    );
    if (idleMs > 0) {
      this.#sweep = setInterval(() => pool.sweep(), Math.max(1000, Math.min(60_000, idleMs / 10)));
      this.#sweep.unref();
    }
    this.#lazyHeaders = headers?.lazy ?? false;
    this.#recent = new RecentHeaders({ dataDir, diskMax: headers?.diskMax ?? 0 }, log);
    this.source = new BucketSource(
      { ...serveDefaults, sourceBytes: shares.chunks, ...options.serve },
      {
        bucket,
        pool,
        pageBytes: shares.pages,
        memoBytes: shares.memos,
        ...(headers === undefined ? {} : { sampling: headers.sampling }),
        indexCache: this.#indexCache,
        dataDir,
        xxhash,
        bytePool,
        log,
        signal,
        minTime: options.minTime,
        maxTime: options.maxTime,
        observe: (budget, blocks) => this.metrics.called(budget, blocks),
      },
    );
  }

  /** Opens the bucket. Throws APP_CONFIG. */
  static async open(options: BucketStoreOptions, deps: BucketStoreDeps): Promise<BucketStore> {
    const { component = "store", log, registry, startSpan } = deps;
    const plain = openConfiguredBucket(options.bucketConfig, registry, {
      component,
      log,
      source: options.bucketConfigSource,
      ...(startSpan === undefined ? {} : { startSpan }),
    });
    const { bucket, peers } = withConfiguredCache(
      plain,
      { text: options.cachingBucketConfig, path: options.cachingBucketPath },
      deps,
    );
    const dataDir = options.cacheIndexHeader
      ? options.dataDir
      : await mkdtemp(join(tmpdir(), "deucalion-store-"));
    return new BucketStore(options, deps, { bucket, peers }, dataDir);
  }

  /** Reads the bucket and serves what it finds. Throws if it cannot be listed; what was served is then kept. */
  async sync(signal: AbortSignal): Promise<MetaView> {
    let view: MetaView;
    try {
      view = await this.#fetcher.fetch(signal);
    } catch (error) {
      this.#fetchMetrics.observe(undefined);
      throw error;
    }
    this.#fetchMetrics.observe(view);
    const before = [...this.source.blocks.keys()];
    this.source.update(this.#keepServed(view));
    const gone = before.filter((id) => !this.source.blocks.has(id));
    this.metrics.synced(this.source.blocks.size, gone.length, this.#deps.now());
    for (const id of gone) await removeIndexHeader(this.#dataDir, id);
    return view;
  }

  /** A block whose meta.json could not be read just now, but could before, is served on. */
  #keepServed(view: MetaView): Pick<MetaView, "metas" | "unreadable"> {
    if (!view.incomplete) return view;
    const metas = new Map(view.metas);
    const unreadable = new Map(view.unreadable);
    for (const [id, block] of this.source.blocks) {
      if (!unreadable.delete(id)) continue;
      metas.set(id, block.meta);
    }
    return { metas, unreadable };
  }

  /** Makes the index-headers of all blocks, a few at once, so that no query has to wait for them. */
  async warmUp(concurrency: number, signal: AbortSignal): Promise<void> {
    await this.#recent.load();
    const blocks = this.#recent.order(this.source.blocks.values());
    let room = await this.#recent.roomOnDisk();
    const worker = async (): Promise<void> => {
      for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
        if (signal.aborted || room <= 0) return;
        if (block.isOpen) continue;
        try {
          room -= await block.prepare(!this.#lazyHeaders);
          this.metrics.loaded(true);
        } catch (error) {
          if (signal.aborted) return;
          this.metrics.loaded(false);
          this.#deps.log.warn("loading block failed", { id: block.id, err: messageOf(error) });
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    await this.keepHeaders();
  }

  /** Keeps the folder of index-headers within its limit, and remembers which are in use. */
  async keepHeaders(): Promise<void> {
    await this.#recent.trim(this.source.blocks.values());
    if (!this.#temporary) await this.#recent.save(this.source.blocks.values());
  }

  /** Removes index-headers of blocks that are not served. Other files are left alone, whoever they belong to. */
  async removeLeftovers(): Promise<void> {
    const names = await readdir(this.#dataDir).catch(() => []);
    for (const name of names)
      if (blockIdOf(name) !== undefined && !this.source.blocks.has(name))
        await removeIndexHeader(this.#dataDir, name);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await this.#fetcher.written();
    if (!this.#temporary) await this.#recent.save(this.source.blocks.values());
    this.source.close();
    await this.#indexCache?.close();
    await this.bucket.close();
    await this.#parquet?.close();
    if (this.#temporary) await rm(this.#dataDir, { recursive: true, force: true });
  }
}
