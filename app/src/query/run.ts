// Runs the querier: endpoints, fan-out, engine, HTTP API with UI, gRPC server.
import { loadXxhash64 } from "@deucalion/kernels";
import { ApiFanout, Fanout, queryService } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { Counter } from "prom-client";
import { createGrpc } from "../grpc/create-grpc.ts";
import { createHttp } from "../http/create-http.ts";
import type { AppProcess } from "../process/app-process.ts";
import { behindFrontend, frontendInProcess } from "../query-frontend/in-process.ts";
import { createEndpoints, type Endpoints, endpointsActor } from "./create-endpoints.ts";
import { createEngine } from "./create-engine.ts";
import { FanoutQuerier } from "./fanout-querier.ts";
import { grpcExecutor } from "./grpc-executor.ts";
import { queryServices } from "./grpc-services.ts";
import type { QueryOptions } from "./options.ts";
import { parseOptions, registerQueryApi } from "./query-api.ts";
import { relabelSelector } from "./relabel-selector.ts";
import { RemoteQueriers } from "./remote/remote-queriers.ts";
import { WholeSecondsEngine } from "./remote/whole-seconds-engine.ts";
import { MovingEngine } from "./workers/moving-engine.ts";
import { WorkerPool } from "./workers/worker-pool.ts";

/** Ready when every endpoint has been asked once, or after so long. */
const firstUpdateMs = 30_000;

function remotesOf(options: QueryOptions, endpoints: Endpoints, app: AppProcess): RemoteQueriers {
  const { selectorLabels, selectorRelabelConfig, lookbackMs, distributed } = options;
  // What a selector leaves out, remote queriers would still count.
  const enabled = selectorLabels.size === 0 && selectorRelabelConfig === "";
  if (!enabled) app.log.warn("queries are not spread over queriers: there is a selector");
  return new RemoteQueriers(
    {
      ...distributed,
      enabled,
      lookbackMs,
    },
    { queriers: () => endpoints.set.queriers(), stores: () => endpoints.stores() },
  );
}

/** Serves until the process stops. Throws APP_CONFIG. */
export async function runQuery(options: QueryOptions, app: AppProcess): Promise<void> {
  app.log.info("starting query node");
  const { server, prober } = await createHttp(app, options.http, options.requestLoggingConfig);
  const endpoints = await createEndpoints(app, options);
  const keepLabelSet = await relabelSelector(options.selectorRelabelConfig);
  const hash = await loadXxhash64();
  const parse = parseOptions(options);
  const empty = new Counter({
    name: "thanos_proxy_store_empty_stream_responses_total",
    help: "Streams of stores that held no series.",
    registers: [app.registry],
  });
  const fanout = new Fanout(
    {
      selectorLabels: options.selectorLabels,
      keepLabelSet,
      storeTimeoutMs: options.storeTimeoutMs,
      strategy: options.proxyStrategy,
      bufferBatchesMax: options.lazyBufferedFrames,
      replicaLabels: options.replicaLabels,
    },
    {
      stores: () => endpoints.stores(),
      decode: decodeChunkInto,
      hash,
      onEmptyStream: () => empty.inc(),
    },
  );
  const apis = new ApiFanout(
    { selectorLabels: options.selectorLabels, storeTimeoutMs: options.storeTimeoutMs, parse },
    { endpoints: () => endpoints.apis() },
  );
  const querier = new FanoutQuerier(
    { dedupFunc: options.dedupFunc, replicaLabels: options.replicaLabels, parse },
    {
      fanout,
      apis,
      statuses: () => endpoints.statuses(),
      keepLabelSet,
      decode: decodeChunkInto,
      now: app.now,
    },
  );
  const plain = createEngine(options);
  const distributed = options.mode === "distributed";
  // What other queriers give cannot be handed to a thread.
  const threads = distributed ? 0 : options.workerThreads;
  const pool = new WorkerPool(threads, { engine: plain.options }, app.log);
  const engine = distributed ? new WholeSecondsEngine(plain) : new MovingEngine(plain, pool);
  const frontend =
    options.frontend === null
      ? null
      : await frontendInProcess(server, options, options.frontend, app);
  const context = await registerQueryApi(
    frontend?.behind ?? server,
    frontend === null ? options : behindFrontend(options),
    {
      app,
      querier,
      engine,
      ...(distributed ? { remotes: remotesOf(options, endpoints, app) } : {}),
    },
  );
  const services = queryServices({
    fanout,
    apis,
    tsdbInfos: () => endpoints.set.tsdbInfos(),
    isReady: () => prober.isReady,
    hash,
    limits: options.limits,
    query: queryService(grpcExecutor(context)),
  });
  const grpc = createGrpc(app, options.grpc, prober, services);
  const late = setTimeout(() => prober.ready(), firstUpdateMs);
  late.unref();
  app.group.add(frontend?.actor ?? server);
  app.group.add(
    endpointsActor(endpoints.set, () => {
      clearTimeout(late);
      app.log.info("initial endpoint discovery completed, marking gRPC as ready");
      prober.ready();
    }),
  );
  app.group.add(grpc.actor);
}
