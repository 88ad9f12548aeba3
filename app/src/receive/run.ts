// Runs the receiver: takes writes, replicates and stores them, serves and uploads what is stored.

import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { loadXxhash64, type Xxhash64 } from "@deucalion/kernels";
import type { Bucket } from "@deucalion/objstore";
import {
  exemplarsService,
  infoService,
  metadataService,
  statusService,
  storeService,
} from "@deucalion/storeapi";
import { AppError } from "../errors.ts";
import { createGrpc } from "../grpc/create-grpc.ts";
import { createHttp } from "../http/create-http.ts";
import { decodeOtlp } from "../otlp/decode-otlp.ts";
import type { AppProcess } from "../process/app-process.ts";
import type { Prober } from "../process/prober.ts";
import type { Actor } from "../process/run-group.ts";
import type { GrpcTlsOptions } from "../process/service-options.ts";
import { cipherList, curveList, tlsVersion } from "../process/tls-names.ts";
import { shipperMetrics } from "../sidecar/shipper-metrics.ts";
import { openConfiguredBucket } from "../store/open-bucket.ts";
import { CapnprotoServer } from "./capnproto/capnproto-server.ts";
import { Handoff } from "./handoff/handoff.ts";
import { Limiter } from "./limits.ts";
import type { ReceiveOptions } from "./options.ts";
import { receiveMetrics } from "./receive-metrics.ts";
import { parseRelabel, relabelSeries } from "./relabel.ts";
import { Hashrings, SeriesHasher } from "./ring/hashring.ts";
import { HashringWatch } from "./ring/hashring-watch.ts";
import { Peers } from "./ring/peers.ts";
import { Replicator } from "./ring/replicator.ts";
import {
  receiveInfo,
  TenantExemplars,
  TenantMetadata,
  TenantStatistics,
  tenantSeries,
} from "./tenants/tenant-sources.ts";
import { TenantStores } from "./tenants/tenant-stores.ts";
import { LocalWriter } from "./write/local-writer.ts";
import { statusRoute } from "./write/status-route.ts";
import { memoryWatch, WriteBudget } from "./write/write-budget.ts";
import { WriteHttp } from "./write/write-http.ts";
import { writeableStoreService } from "./write/write-service.ts";

const uploadMs = 30_000;
const compactLookMs = 15_000;
const pruneLookMs = 60_000;
const headSeriesLookMs = 15_000;
/** Bytes of bodies under way at once. */
const writeBytesMax = 512 * 1024 * 1024;

/** Sets the services up; they run in the process' group. Throws APP_CONFIG. */
export async function runReceive(options: ReceiveOptions, app: AppProcess): Promise<void> {
  const { log, registry, now } = app;
  if (options.bucketConfig !== "" && options.labels.size === 0) {
    throw new AppError(
      "APP_CONFIG",
      "no external labels configured for receive, uniquely identifying external labels must be configured (ideally with `receive_` prefix); see https://thanos.io/tip/thanos/storage.md#external-labels for details.",
    );
  }
  const hash = await loadXxhash64();
  const stores = makeStores(options, app);
  const metrics = receiveMetrics(
    registry,
    options.hashrings.replicationFactor,
    () => stores.stores,
  );
  stores.onDamage = metrics.damaged;
  const rules = parseRelabel(options.relabelConfig);
  const limiter = new Limiter(options.readLimits, {
    log,
    registry,
    localSeries: (tenant) => stores.stores.get(tenant)?.db.head.seriesCount ?? 0,
  });
  const local = new LocalWriter({
    stores: stores.stores,
    now,
    futureWindowMs: options.futureWindowMs,
  });
  const { forward, hashrings } = options;
  const peers = new Peers(
    {
      requestsAtOnce: forward.workers,
      pauseMaxMs: forward.backoffMaxMs,
      timeoutMs: forward.timeoutMs,
      client: { tls: forward.tls, compression: forward.compression },
      protocol: forward.protocol,
    },
    now,
  );
  const handoff = makeHandoff(options, app, peers);
  const replicator = new Replicator(
    {
      mode: options.mode,
      replicationFactor: hashrings.replicationFactor,
      localEndpoint: hashrings.localEndpoint,
      splitTenantLabel: options.write.splitTenantLabel,
      timeoutMs: forward.timeoutMs,
    },
    {
      local,
      peers,
      hasher: new SeriesHasher(hash),
      hashrings: () => stores.rings,
      forwarded: metrics.forwarded,
      handoff,
    },
  );
  const http = await createHttp(app, options.http, options.requestLoggingConfig);
  const { prober } = http;
  const budget = new WriteBudget(writeBytesMax, memoryWatch(0.9, now));
  const writeHttp = new WriteHttp(
    {
      address: options.write.address,
      gracePeriodMs: options.http.gracePeriodMs,
      tls: options.write.tls === null ? null : tlsServer(options.write.tls),
      tenantHeader: options.write.tenantHeader,
      replicaHeader: options.write.replicaHeader,
      defaultTenant: options.write.defaultTenant,
      certificateField: options.write.certificateField,
    },
    {
      log,
      limiter,
      budget,
      isReady: () => stores.writable,
      relabel: (series) => relabelSeries(series, rules),
      write: (parts, replica) => replicator.write(parts, replica),
      decodeOtlp: (body, json) => decodeOtlp(body, json, options.otlp),
      observe: metrics.observe,
      other: (request, response, path) => statusRoute(options, stores, request, response, path),
    },
  );
  const capnproto = new CapnprotoServer(
    { ...options.capnproto, gracePeriodMs: options.grpc.gracePeriodMs },
    {
      log,
      budget,
      isReady: () => stores.writable && options.mode !== "RouterOnly",
      write: (parts) => local.writeAll(parts),
    },
  );
  const watch = makeWatch(options, app, { stores, peers, handoff, hash });
  const isListening = (): boolean =>
    [http.server.address, writeHttp.address, capnproto.address, grpc.address()].every(
      (address) => address !== "",
    );
  const tenants = tenantsActor({
    options,
    app,
    stores,
    limiter,
    prober,
    watch,
    handoff,
    isListening,
  });
  const grpc = createGrpc(app, options.grpc, prober, [
    writeableStoreService(
      () => stores.writable,
      async (parts, replica, late) => {
        metrics.pending.inc();
        try {
          await replicator.writeReceived(parts, replica, late);
        } finally {
          metrics.pending.dec();
        }
      },
    ),
    storeService(
      { source: tenantSeries(stores.stores, hash, options.batchesAhead), hash },
      { seriesMax: options.limits.series, samplesMax: options.limits.samples },
    ),
    infoService(() => receiveInfo(stores.stores, prober.isReady)),
    exemplarsService(new TenantExemplars(stores.stores)),
    metadataService(new TenantMetadata(stores.stores)),
    statusService(new TenantStatistics(stores.stores)),
  ]);
  app.group.add(http.server);
  app.group.add(tenants.before(writeHttp));
  app.group.add(tenants.before(capnproto));
  app.group.add(tenants.before(grpc.actor));
  app.group.add(tenants.actor);
}

/** What is shared between the services of a receiver. */
interface Stores {
  readonly stores: TenantStores;
  readonly bucket: Bucket | null;
  rings: Hashrings | null;
  /** Writes are taken. */
  writable: boolean;
  onDamage: (tenant: string) => void;
}

function makeStores(options: ReceiveOptions, app: AppProcess): Stores {
  const { log, registry, now } = app;
  const bucket =
    options.bucketConfig === ""
      ? null
      : openConfiguredBucket(options.bucketConfig, registry, {
          component: app.component,
          log,
          source: options.bucketConfigSource,
        });
  const shared: Stores = {
    bucket,
    rings: null,
    writable: false,
    onDamage: () => undefined,
    stores: new TenantStores(
      {
        dir: options.tsdbPath,
        labels: options.labels,
        tenantLabel: options.write.tenantLabel,
        defaultTenant: options.write.defaultTenant,
        database: options.database,
        shipper: options.shipper,
      },
      {
        log,
        now,
        bucket,
        shipperEvents: bucket === null ? null : shipperMetrics(registry, now),
        ringLabels: (tenant) =>
          shared.rings?.configs.find((ring) => ring.tenants?.includes(tenant))?.externalLabels ??
          {},
        damaged: (tenant) => shared.onDamage(tenant),
      },
    ),
  };
  return shared;
}

/** Null if it is turned off, or has no one to hand to, or nowhere to keep anything. */
function makeHandoff(options: ReceiveOptions, app: AppProcess, peers: Peers): Handoff | null {
  const { handoffBytesMax, mode, tsdbPath: dir } = options;
  if (handoffBytesMax === 0 || mode === "IngestorOnly") return null;
  try {
    return new Handoff(
      { dir, bytesMax: handoffBytesMax },
      {
        log: app.log,
        registry: app.registry,
        now: app.now,
        send: (address, request) => peers.write(address, request),
      },
    );
  } catch (error) {
    app.log.warn("nothing can be kept for receivers that are away", { err: messageOf(error) });
    return null;
  }
}

function makeWatch(
  options: ReceiveOptions,
  app: AppProcess,
  deps: {
    readonly stores: Stores;
    readonly peers: Peers;
    readonly handoff: Handoff | null;
    readonly hash: Xxhash64;
  },
): HashringWatch | null {
  const { stores: shared, peers, handoff, hash } = deps;
  if (options.mode === "IngestorOnly") return null;
  const { file, content, algorithm, refreshMs, replicationFactor } = options.hashrings;
  return new HashringWatch(file, content, refreshMs, {
    log: app.log,
    registry: app.registry,
    now: app.now,
    changed: async (configs) => {
      const rings = new Hashrings(configs, algorithm, replicationFactor, hash);
      const { endpoints } = rings;
      peers.keep(new Map(endpoints.map((one) => [one.address, one.capnprotoAddress])));
      handoff?.keep(new Set(endpoints.map(({ address }) => address)));
      // Whoever owned series before goes on serving them: a change needs no flush and no pause.
      shared.rings = rings;
      await shared.stores.updateLabels();
    },
  });
}

interface TenantsDeps {
  readonly options: ReceiveOptions;
  readonly app: AppProcess;
  readonly stores: Stores;
  readonly limiter: Limiter;
  readonly prober: Prober;
  readonly watch: HashringWatch | null;
  readonly handoff: Handoff | null;
  /** All services have begun, so that they can be ended. */
  readonly isListening: () => boolean;
}

/** Opens the tenants, looks after them, and closes them when nobody writes any more. */
function tenantsActor(deps: TenantsDeps): {
  readonly actor: Actor;
  /** Makes an actor end before the tenants are closed. */
  readonly before: (actor: Actor) => Actor;
} {
  const { options, app, stores, limiter, prober, watch } = deps;
  const { log, now } = app;
  const stop = new AbortController();
  const { signal } = stop;
  const ends: Promise<void>[] = [];
  const before = (actor: Actor): Actor => {
    let ended: () => void = () => undefined;
    ends.push(
      new Promise((resolve) => {
        ended = resolve;
      }),
    );
    return {
      name: actor.name,
      execute: () => actor.execute().finally(() => ended()),
      interrupt: (reason) => actor.interrupt(reason),
    };
  };
  const stores_ = stores.stores;
  const again = (ms: number, work: () => Promise<void>): Promise<void> =>
    repeat(ms, signal, async () => {
      try {
        await work();
      } catch (error) {
        if (!signal.aborted) log.error("maintenance failed", { err: messageOf(error) });
      }
    });
  const execute = async (): Promise<void> => {
    let failed = true;
    try {
      if (watch !== null && !(await watch.look()) && options.hashrings.file === "") {
        throw new AppError("APP_CONFIG", "the hashrings cannot be used");
      }
      if (options.mode !== "RouterOnly") await stores_.open();
      while (watch !== null && stores.rings === null && !signal.aborted) {
        await sleep(1000, signal);
        await watch.look();
      }
      if (!signal.aborted) {
        stores.writable = true;
        prober.ready();
        log.info("storage started, and server is ready to receive requests", {
          mode: options.mode,
        });
      }
      const pruneEveryMs = 2 * options.database.chunkRangeMs;
      let pruned = now();
      await Promise.all([
        watch?.run(signal),
        again(Math.max(50, options.limitsReloadMs), async () => limiter.reload()),
        again(headSeriesLookMs, () => limiter.refresh()),
        again(compactLookMs, () => stores_.compact()),
        stores.bucket === null ? undefined : again(uploadMs, () => stores_.upload(signal)),
        again(pruneLookMs, async () => {
          const marked = [...stores_.all].some((tenant) => tenant.pruning);
          if (!marked && now() - pruned < pruneEveryMs) return;
          pruned = now();
          await stores_.prune();
        }),
      ]);
      failed = false;
    } finally {
      // Who writes ends first; but where this has failed, they only end because it has, and once they have begun.
      if (failed) await untilListening(deps.isListening);
      else await Promise.all(ends);
      stores.writable = false;
      await shutDown(deps);
    }
  };
  return {
    before,
    actor: { name: "tenants", execute, interrupt: () => stop.abort(new Error("stopping")) },
  };
}

/** With a bucket, everything is cut and uploaded within the grace period; the log keeps what does not get there. */
async function shutDown({ options, app, stores, handoff }: TenantsDeps): Promise<void> {
  const { log } = app;
  await handoff?.close();
  if (stores.bucket !== null) {
    const grace = AbortSignal.timeout(Math.max(1, options.http.gracePeriodMs));
    const late = new Promise<void>((resolve) =>
      grace.addEventListener("abort", () => resolve(), { once: true }),
    );
    const work = stores.stores
      .flush()
      .then(() => stores.stores.upload(grace))
      .catch((error: unknown) =>
        log.error("flushing before the end failed", { err: messageOf(error) }),
      );
    await Promise.race([work, late]);
  }
  await stores.stores.close();
  await stores.bucket?.close();
  log.info("storage is closed");
}

async function repeat(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await sleep(ms, signal);
    if (!signal.aborted) await work();
  }
}

/** Waits for a while at most: a service that does not begin ends the process itself. */
async function untilListening(isListening: () => boolean): Promise<void> {
  const never = new AbortController().signal;
  for (let tries = 0; tries < 100 && !isListening(); tries++) await sleep(50, never);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

function tlsServer(tls: GrpcTlsOptions) {
  return {
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    minVersion: tlsVersion(tls.minVersion),
    ...(tls.ciphers.length > 0 ? { ciphers: cipherList(tls.ciphers) } : {}),
    ...(tls.curves.length > 0 ? { ecdhCurve: curveList(tls.curves) } : {}),
    ...(tls.clientCaFile === ""
      ? {}
      : { ca: readFileSync(tls.clientCaFile), requestCert: true, rejectUnauthorized: true }),
  };
}
