// Runs the sidecar: one Prometheus over the StoreAPI, with its rules, targets, metadata, exemplars and head statistics.
import { messageOf } from "@deucalion/base";
import { loadXxhash64 } from "@deucalion/kernels";
import type { Service } from "@deucalion/rpc";
import {
  exemplarsService,
  infoService,
  int64Max,
  metadataService,
  rulesService,
  StoreApiError,
  statusService,
  storeService,
  targetsService,
} from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { Gauge, Histogram } from "prom-client";
import { AppError } from "../errors.ts";
import { resolveTime } from "../flags/time-or-duration.ts";
import { createGrpc } from "../grpc/create-grpc.ts";
import { createHttp } from "../http/create-http.ts";
import type { AppProcess } from "../process/app-process.ts";
import type { Prober } from "../process/prober.ts";
import type { Actor } from "../process/run-group.ts";
import { HttpClient } from "../prometheus/http-client.ts";
import { parseHttpClientConfig } from "../prometheus/http-client-config.ts";
import { PrometheusApis } from "../prometheus/prometheus-apis.ts";
import { PrometheusClient } from "../prometheus/prometheus-client.ts";
import { PrometheusRules } from "../prometheus/prometheus-rules.ts";
import { PrometheusSource } from "../prometheus/prometheus-source.ts";
import { PrometheusWatch, pause } from "../prometheus/prometheus-watch.ts";
import { Reloader } from "../reloader/reloader.ts";
import { ReloaderMetrics } from "../reloader/reloader-metrics.ts";
import { reloadBySignal, reloadOverHttp } from "../reloader/trigger-reload.ts";
import type { SidecarOptions } from "./options.ts";
import { shipBlocks } from "./ship-blocks.ts";
import { validatePrometheus } from "./validate-prometheus.ts";

/** Serves until the process stops. Ends with an error if Prometheus has no external labels. */
export async function runSidecar(options: SidecarOptions, app: AppProcess): Promise<void> {
  const { server, prober } = await createHttp(app, options.http, options.requestLoggingConfig);
  const http = new HttpClient(
    parseHttpClientConfig(options.prometheus.httpClientConfig, `Deucalion/${app.build.version}`),
  );
  const client = new PrometheusClient(http, prometheusUrl(options.prometheus.url));
  const watch = new PrometheusWatch(
    {
      intervalMs: options.prometheus.getConfigIntervalMs,
      timeoutMs: options.prometheus.getConfigTimeoutMs,
      minTime: () => resolveTime(options.minTime, app.now()),
    },
    { client, log: app.log, onLook: lookMetrics(app, prober) },
  );
  let started: () => void = () => undefined;
  const firstLook = new Promise<void>((resolve) => {
    started = resolve;
  });
  const grpc = createGrpc(
    app,
    options.grpc,
    prober,
    await services(options, app, client, watch, prober),
    firstLook,
  );
  app.group.add(server);
  const checked = options.bucketConfig === "" ? null : options;
  app.group.add(watchActor(app, { watch, client, prober, http, started }, checked));
  app.group.add(grpc.actor);
  if (options.reloader.configFile !== "" || options.reloader.ruleDirs.length > 0)
    app.group.add(createReloader(options, app, client));
  if (options.bucketConfig !== "")
    app.group.add(shipBlocks(options, app, () => watch.state.externalLabels));
}

function createReloader(
  { reloader }: SidecarOptions,
  app: AppProcess,
  client: PrometheusClient,
): Reloader {
  const trigger =
    reloader.method === "signal"
      ? reloadBySignal(client, reloader.processName)
      : reloadOverHttp(client);
  const metrics = new ReloaderMetrics(app.registry, reloader.method);
  return new Reloader(reloader, {
    trigger,
    metrics,
    log: app.log.with({ component: "reloader" }),
    now: app.now,
    env: process.env,
  });
}

function prometheusUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new AppError("APP_CONFIG", `--prometheus.url: ${messageOf(cause)}`, { text }, { cause });
  }
}

function lookMetrics(app: AppProcess, prober: Prober): (error: unknown) => void {
  const up = new Gauge({
    name: "thanos_sidecar_prometheus_up",
    help: "1 while the Prometheus server answers.",
    registers: [app.registry],
  });
  const last = new Gauge({
    name: "thanos_sidecar_last_heartbeat_success_time_seconds",
    help: "When Prometheus last answered, in Unix seconds.",
    registers: [app.registry],
  });
  return (error) => {
    up.set(error === null ? 1 : 0);
    if (error === null) {
      last.set(app.now() / 1000);
      prober.ready();
    } else {
      prober.notReady(error);
    }
  };
}

async function services(
  options: SidecarOptions,
  app: AppProcess,
  client: PrometheusClient,
  watch: PrometheusWatch,
  prober: Prober,
): Promise<Service[]> {
  const frames = new Histogram({
    name: "prometheus_store_received_frames",
    help: "Frames of one streamed answer of Prometheus.",
    buckets: [10, 100, 1000, 10_000, 100_000],
    registers: [app.registry],
  });
  const externalLabels = () => watch.state.externalLabels;
  const hash = await loadXxhash64();
  const source = new PrometheusSource({
    client,
    state: () => watch.state,
    decode: decodeChunkInto,
    hash,
    onFrames: (count) => frames.observe(count),
  });
  const apis = new PrometheusApis(client, externalLabels);
  const info = infoService(() => {
    if (!prober.isReady) throw new StoreApiError("STOREAPI_NOT_READY", "Not ready");
    const labels = externalLabels();
    const { minTime } = watch.state;
    return {
      labelSets: [labels],
      componentType: "sidecar",
      store: {
        minTime,
        maxTime: int64Max,
        supportsSharding: true,
        supportsWithoutReplicaLabels: true,
        tsdbInfos: [{ labels, minTime, maxTime: int64Max }],
        supportsProjections: false,
        supportsAnyOf: false,
      },
      exemplars: { minTime: 0, maxTime: 0 },
      rules: {},
      targets: {},
      metricMetadata: {},
      status: {},
    };
  });
  return [
    storeService(
      { source, hash },
      { seriesMax: options.limits.series, samplesMax: options.limits.samples },
    ),
    info,
    rulesService(new PrometheusRules(client, externalLabels)),
    targetsService(apis),
    metadataService(apis),
    exemplarsService(apis),
    statusService(apis),
  ];
}

interface WatchParts {
  readonly watch: PrometheusWatch;
  readonly client: PrometheusClient;
  readonly prober: Prober;
  readonly http: HttpClient;
  readonly started: () => void;
}

const flagsRetryMs = 2000;

/** Asks Prometheus for its flags until it tells them, and checks them. Throws APP_CONFIG. */
async function checkFlags(
  client: PrometheusClient,
  options: SidecarOptions,
  log: AppProcess["log"],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const limit = AbortSignal.timeout(options.prometheus.getConfigTimeoutMs);
      const flags = await client.flags(AbortSignal.any([signal, limit]));
      if (flags === null) {
        log.warn(
          "failed to check Prometheus flags, due to potentially older Prometheus. No extra validation is done.",
        );
        return;
      }
      const { metaFileName, ignoreUnequalBlockSize } = options.shipper;
      const setup = { tsdbPath: options.tsdbPath, metaFileName, ignoreUnequalBlockSize };
      validatePrometheus(flags, setup, log);
      log.info("successfully validated prometheus flags");
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AppError) throw error;
      log.warn("failed to get Prometheus flags. Is Prometheus running? Retrying", {
        err: messageOf(error),
      });
      await pause(flagsRetryMs, signal);
      signal.throwIfAborted();
    }
  }
}

function watchActor(
  app: AppProcess,
  { watch, client, prober, http, started }: WatchParts,
  uploading: SidecarOptions | null,
): Actor {
  const stop = new AbortController();
  return {
    name: "heartbeat",
    execute: async () => {
      try {
        if (uploading !== null) await checkFlags(client, uploading, app.log, stop.signal);
        await watch.firstLook(stop.signal);
        const { externalLabels } = watch.state;
        if (externalLabels.size === 0) {
          throw new AppError(
            "APP_CONFIG",
            "no external labels configured on Prometheus server, uniquely identifying external labels must be configured under global.external_labels of its configuration",
          );
        }
        app.log.info("successfully loaded prometheus external labels", {
          external_labels: externalLabels.toString(),
        });
        prober.ready();
        started();
        await watch.keepLooking(stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      } finally {
        http.close();
      }
    },
    interrupt: () => stop.abort(new Error("stopping")),
  };
}
