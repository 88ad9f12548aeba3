// Runs the quickstart: one process with a querier and its UI over a bucket with a demo and over Prometheus servers.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { messageOf } from "@deucalion/base";
import { loadXxhash64 } from "@deucalion/kernels";
import { Labels } from "@deucalion/model";
import { ApiFanout, Fanout } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { AppError } from "../errors.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { createHttp } from "../http/create-http.ts";
import type { AppProcess } from "../process/app-process.ts";
import { createEngine } from "../query/create-engine.ts";
import { FanoutQuerier } from "../query/fanout-querier.ts";
import { queryFlags } from "../query/flags.ts";
import { type QueryApiOptions, queryOptions } from "../query/options.ts";
import { parseOptions, registerQueryApi } from "../query/query-api.ts";
import { embeddedReceiver } from "../receive/embedded.ts";
import { BucketStore, bucketStoreDefaults } from "../store/bucket-store.ts";
import { writeDemo } from "./demo/write-demo.ts";
import { greeting } from "./greeting.ts";
import {
  type LocalSource,
  ownSource,
  prometheusAnswers,
  prometheusSource,
} from "./local-sources.ts";
import type { QuickstartOptions } from "./options.ts";

/** Where a Prometheus on this machine is looked for. */
const usualPrometheus = "http://localhost:9090";

/** How often the bucket is looked at again, in ms. */
const syncIntervalMs = 60_000;

/** A source that sends nothing for so long is given up, in ms. */
const storeTimeoutMs = 30_000;

/** Options of the querier inside: the defaults of `query`, with everything of the language switched on. */
function apiOptions(options: QuickstartOptions): QueryApiOptions {
  const { values } = parseFlags([`--http-address=${options.http.address}`], queryFlags);
  return {
    ...queryOptions(values),
    replicaLabels: options.replicaLabels,
    autoDownsampling: true,
    experimentalFunctions: true,
    enableXFunctions: true,
  };
}

function addresses(options: QuickstartOptions): URL[] {
  return options.prometheusUrls.map((text) => {
    try {
      return new URL(text);
    } catch (cause) {
      throw new AppError(
        "APP_CONFIG",
        `--prometheus.url: ${text} is not an address`,
        { text },
        { cause },
      );
    }
  });
}

/** Sets everything up, prints what there is, and serves until the process stops. Throws APP_CONFIG. */
export async function runQuickstart(options: QuickstartOptions, app: AppProcess): Promise<void> {
  const stop = new AbortController();
  const hash = await loadXxhash64();
  const urls = addresses(options);
  if (
    options.discover &&
    urls.length === 0 &&
    (await prometheusAnswers(new URL(usualPrometheus)))
  ) {
    urls.push(new URL(usualPrometheus));
  }
  const bucketDir = resolve(options.dataDir, "bucket");
  await mkdir(bucketDir, { recursive: true });
  const demo = options.demo ? await writeDemo(bucketDir, app.now()) : null;
  const store = await BucketStore.open(
    {
      ...bucketStoreDefaults,
      bucketConfig: `type: FILESYSTEM\nconfig:\n  directory: ${JSON.stringify(bucketDir)}\n`,
      dataDir: join(resolve(options.dataDir), "store"),
    },
    { log: app.log, registry: app.registry, xxhash: hash, now: app.now, signal: stop.signal },
  );
  const view = await store.sync(stop.signal);
  const prometheus = await Promise.all(
    urls.map((url) =>
      prometheusSource(url, { log: app.log, hash, now: app.now, signal: stop.signal }),
    ),
  );
  const sources = [
    ownSource("store", store.source, {}, `bucket ${options.dataDir}`, app.now),
    ...prometheus,
  ];
  if (options.remoteWriteAddress !== null) {
    const receiver = await embeddedReceiver(
      { dir: join(resolve(options.dataDir), "receive"), address: options.remoteWriteAddress },
      { log: app.log, registry: app.registry, hash, now: app.now },
    );
    const apis = { exemplars: receiver.exemplars, status: receiver.statistics };
    sources.push(ownSource("receive", receiver.source, apis, "remote write", app.now));
    app.group.add(receiver.actor);
  }
  const { server, prober } = await createHttp(app, options.http, "");
  // The UI reads from the flags how replicas are merged.
  const flags = {
    ...app.flags,
    "query.replica-label": options.replicaLabels.join(","),
    "deduplication.func": "fill",
  };
  await registerQueryApi(server, apiOptions(options), {
    app: { ...app, flags },
    ...querier(options, sources, hash, app),
  });
  await server.start();
  prober.ready();
  app.group.add(server);
  app.group.add(closing(store, sources, stop, app));
  app.write(
    greeting({
      address: server.address,
      bucketDir: join(options.dataDir, "bucket"),
      blocks: view.metas.size,
      remoteWrite: options.remoteWriteAddress,
      demo,
      prometheus: prometheus.map((source) => source.status()),
      now: app.now(),
    }),
  );
}

function querier(
  options: QuickstartOptions,
  sources: readonly LocalSource[],
  hash: Awaited<ReturnType<typeof loadXxhash64>>,
  app: AppProcess,
): { querier: FanoutQuerier; engine: ReturnType<typeof createEngine> } {
  const api = apiOptions(options);
  const parse = parseOptions(api);
  const fanout = new Fanout(
    {},
    { stores: () => sources.map((source) => source.store()), decode: decodeChunkInto, hash },
  );
  const apis = new ApiFanout(
    { selectorLabels: Labels.empty, storeTimeoutMs, parse },
    { endpoints: () => sources.map((source) => source.api()) },
  );
  const all = new FanoutQuerier(
    { dedupFunc: "fill", replicaLabels: options.replicaLabels, parse },
    {
      fanout,
      apis,
      statuses: () => sources.map((source) => source.status()),
      keepLabelSet: null,
      decode: decodeChunkInto,
      now: app.now,
    },
  );
  return { querier: all, engine: createEngine(api) };
}

/** Looks at the bucket now and then, and closes what was opened. */
function closing(
  store: BucketStore,
  sources: readonly LocalSource[],
  stop: AbortController,
  app: AppProcess,
): { name: string; execute: () => Promise<void>; interrupt: () => void } {
  return {
    name: "sources",
    execute: () =>
      new Promise<void>((done) => {
        const timer = setInterval(() => {
          store.sync(stop.signal).catch((error: unknown) => {
            if (!stop.signal.aborted) app.log.warn("bucket sync failed", { err: messageOf(error) });
          });
        }, syncIntervalMs);
        stop.signal.addEventListener("abort", () => {
          clearInterval(timer);
          for (const source of sources) source.close();
          void store.close().finally(done);
        });
      }),
    interrupt: () => stop.abort(new Error("stopping")),
  };
}
