// Runs the store gateway.
import { messageOf } from "@deucalion/base";
import { type BucketSource, type MetaView, memoryShares } from "@deucalion/blocks";
import { BytePool, loadXxhash64 } from "@deucalion/kernels";
import {
  type InfoResponse,
  infoService,
  int64Max,
  int64Min,
  StoreApiError,
  storeService,
} from "@deucalion/storeapi";
import { resolveTime } from "../flags/time-or-duration.ts";
import { createGrpc } from "../grpc/create-grpc.ts";
import { createHttp } from "../http/create-http.ts";
import type { HttpServer } from "../http/http-server.ts";
import { baseApi } from "../http/routes/base-api.ts";
import { componentUi } from "../http/routes/ui-routes.ts";
import type { AppProcess } from "../process/app-process.ts";
import { bucketSpans } from "../process/bucket-spans.ts";
import type { Prober } from "../process/prober.ts";
import type { Actor } from "../process/run-group.ts";
import { Gate, GateMetrics } from "../query/gate.ts";
import { BlocksApi } from "./blocks-api.ts";
import { BucketStore, type BucketStoreDeps } from "./bucket-store.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { IdleMemory } from "./idle-memory.ts";
import type { StoreOptions } from "./options.ts";
import { servePeers } from "./serve-peers.ts";
import { sleep } from "./sleep.ts";
import { StoreSource } from "./store-source.ts";

/** Memory for chunks that are read, shared by all calls. */
const poolBytes = 48 << 20;
/** The first look at the bucket is tried again for so long before the process gives up. */
const initialSyncMs = 30_000;
const initialRetryMs = 10_000;
/** First calls after the start find the processor free: index-headers that they need are opened for them. */
const warmUpAfterMs = 500;

/** Sets the services up; they run in the process' group. Throws APP_CONFIG. */
export async function runStore(options: StoreOptions, app: AppProcess): Promise<void> {
  const stop = new AbortController();
  const bytePool = new BytePool(poolBytes);
  const xxhash = bytePool.hasher(await loadXxhash64());
  const store = await openStore(options, app, { bytePool, xxhash }, stop.signal);
  const http = await createHttp(app, options.http, options.requestLoggingConfig);
  if (store.peers !== undefined) servePeers(http.server, store.peers);
  const blocks = new BlocksApi(
    {
      label: options.web.groupLabel,
      disableCors: options.web.disableCors,
      disableAdmin: options.web.disableAdmin,
    },
    { bucket: store.bucket, now: app.now },
  );
  if (!options.web.disabled) await addWeb(http.server, options, app, blocks);
  const gate = new Gate(
    options.seriesConcurrency,
    new GateMetrics(options.seriesConcurrency, "thanos_bucket_store_series_", app.registry),
  );
  const idle = new IdleMemory(gate, {
    heapBytes: () => process.memoryUsage().heapTotal,
    collect: collectGarbage,
  });
  const source = new StoreSource(store.source, { gate: idle, metrics: store.metrics });
  const sync = syncActor(store, options, { app, blocks, prober: http.prober, idle, stop });
  const services = [
    storeService({ source, hash: xxhash, pool: bytePool }, { blockHints: true }),
    infoService(() => storeInfo(store.source, http.prober)),
  ];
  const grpc = createGrpc(app, options.grpc, http.prober, services, sync.first);
  app.group.add(http.server);
  app.group.add(sync.actor);
  app.group.add(grpc.actor);
}

function openStore(
  options: StoreOptions,
  app: AppProcess,
  kernels: Pick<BucketStoreDeps, "bytePool" | "xxhash">,
  signal: AbortSignal,
): Promise<BucketStore> {
  const { log, registry, now } = app;
  return BucketStore.open(
    {
      bucketConfig: options.bucketConfig,
      bucketConfigSource: options.bucketConfigSource,
      parquetConfig: options.parquetConfig,
      dataDir: options.dataDir,
      cacheIndexHeader: options.cacheIndexHeader,
      discovery: options.discovery,
      metaFetchConcurrency: options.metaFetchConcurrency,
      minTime: () => resolveTime(options.minTime, now()),
      maxTime: () => resolveTime(options.maxTime, now()),
      consistencyDelayMs: options.consistencyDelayMs,
      ignoreDeletionMarksDelayMs: options.ignoreDeletionMarksDelayMs,
      selectorRelabelConfig: options.selectorRelabelConfig,
      indexCacheConfig: options.indexCacheConfig,
      indexCacheBytes: options.indexCacheBytes,
      cachingBucketConfig: options.cachingBucketConfig,
      cachingBucketPath: options.cachingBucketPath,
      memoryBytes: app.memoryBytes,
      headers: {
        lazy: options.lazyIndexHeader,
        idleMs: options.lazyIndexHeaderIdleMs,
        diskMax: options.indexHeaderDiskMax,
        sampling: Math.max(1, options.postingsSampling),
      },
      serve: {
        seriesBatch: options.seriesBatchSize,
        seriesMax: options.limits.series,
        samplesMax: options.limits.samples,
        bytesMax: options.downloadedBytesMax,
        lazyPostings: options.lazyExpandedPostings,
        lazyKeySeriesRatio: options.postingGroupRatio,
        seriesBytesGuess: options.seriesBytesGuess,
        chunkBytesGuess: options.chunkBytesGuess,
        ...heldLimits(options, app.memoryBytes),
        // More than the default brings nothing; less is what somebody asks for who has little.
        sourceBytes: Math.min(options.chunkPoolBytes, memoryShares(app.memoryBytes).chunks),
      },
    },
    { log, registry, ...kernels, now, signal, ...bucketSpans(app.tracer) },
  );
}

/** What calls may hold: as the flags say, else by the memory that there is. */
function heldLimits(options: StoreOptions, memoryBytes: number) {
  const heldMax = options.memoryMax || memoryShares(memoryBytes).held;
  return { heldMax, callHeldMax: options.requestMemoryMax || heldMax / 2 };
}

async function addWeb(
  server: HttpServer,
  options: StoreOptions,
  app: AppProcess,
  blocks: BlocksApi,
): Promise<void> {
  baseApi(server, "", app, { disableCors: options.web.disableCors });
  blocks.register(server, "");
  await componentUi(server, app.component, {
    routePrefix: "",
    externalPrefix: options.web.externalPrefix,
    prefixHeader: options.web.prefixHeader,
  });
}

interface SyncDeps {
  readonly app: AppProcess;
  readonly blocks: BlocksApi;
  readonly prober: Prober;
  readonly idle: IdleMemory;
  readonly stop: AbortController;
}

/** Looks at the bucket again and again. `first` is done when the blocks are known. */
function syncActor(
  store: BucketStore,
  options: StoreOptions,
  { app, blocks, prober, idle, stop }: SyncDeps,
): { actor: Actor; first: Promise<void> } {
  const { log } = app;
  const { signal } = stop;
  let known: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    known = resolve;
  });
  const show = (view: MetaView | undefined): void => blocks.setLoaded(view?.metas.values());
  const warmUp = async (): Promise<void> => {
    if (options.indexHeaderDownload === "eager")
      await store.warmUp(options.syncConcurrency, signal);
    else await store.keepHeaders();
    await idle.giveBack().catch((error: unknown) => {
      log.debug("garbage is left to V8", { err: messageOf(error) });
    });
  };
  const execute = async (): Promise<void> => {
    try {
      log.info("initializing bucket store");
      const begun = app.now();
      show(await firstSync(store, app, signal));
      await store.removeLeftovers();
      log.info("bucket store ready", { init_duration_ms: app.now() - begun });
      prober.ready();
      known();
      await sleep(warmUpAfterMs, signal);
      await warmUp();
      while (!signal.aborted) {
        await sleep(options.syncIntervalMs, signal);
        if (signal.aborted) break;
        try {
          show(await store.sync(signal));
          await warmUp();
        } catch (error) {
          if (signal.aborted) break;
          log.warn("syncing blocks failed", { err: messageOf(error) });
          show(undefined);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await store.close();
    }
  };
  const interrupt = (): void => stop.abort(new Error("the process is stopping"));
  return { actor: { name: "block sync", execute, interrupt }, first };
}

/** Retries for half a minute: a bucket that is not there yet is no reason to die at once. */
async function firstSync(
  store: BucketStore,
  app: AppProcess,
  signal: AbortSignal,
): Promise<MetaView> {
  const end = app.now() + initialSyncMs;
  for (;;) {
    try {
      return await store.sync(signal);
    } catch (error) {
      if (signal.aborted || app.now() + initialRetryMs > end) throw error;
      app.log.warn("initial sync failed, trying again", { err: messageOf(error) });
      await sleep(initialRetryMs, signal);
    }
  }
}

/** What the store announces. Without blocks its range is empty, the other way round. */
function storeInfo(source: BucketSource, prober: Prober): InfoResponse {
  if (!prober.isReady) throw new StoreApiError("STOREAPI_NOT_READY", "Not ready");
  const { labelSets, minTime, maxTime, anyOf } = source.info();
  const empty = source.blocks.size === 0;
  return {
    labelSets: [...labelSets],
    componentType: "store",
    store: {
      minTime: empty ? int64Max : minTime,
      maxTime: empty ? int64Min : maxTime,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      tsdbInfos: source
        .timeRanges()
        .flatMap(({ labels, ranges }) => ranges.map((range) => ({ labels, ...range }))),
      supportsProjections: false,
      supportsAnyOf: anyOf !== undefined,
    },
  };
}
