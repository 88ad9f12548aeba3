// Runs the compactor: one round, or rounds until the process is stopped.
import { messageOf } from "@deucalion/base";
import {
  applyRetention,
  BlocksError,
  type BucketSnapshot,
  CompactionHalt,
  type CompactionPlan,
  cleanPartialUploads,
  deleteMarkedBlocks,
  MetaFetcher,
} from "@deucalion/blocks";
import { AppError } from "../errors.ts";
import { createHttp } from "../http/create-http.ts";
import type { HttpServer } from "../http/http-server.ts";
import { baseApi } from "../http/routes/base-api.ts";
import { componentUi } from "../http/routes/ui-routes.ts";
import type { AppProcess } from "../process/app-process.ts";
import { inlineLess } from "../process/inline-less.ts";
import type { Actor } from "../process/run-group.ts";
import { BlocksApi } from "../store/blocks-api.ts";
import { FetchMetrics } from "../store/fetch-metrics.ts";
import { sleep } from "../store/sleep.ts";
import { CompactMetrics } from "./compact-metrics.ts";
import { type Compaction, openCompaction } from "./open-compaction.ts";
import type { CompactOptions } from "./options.ts";
import { planText } from "./plan-text.ts";

/** What the loops share. */
interface Running {
  readonly options: CompactOptions;
  readonly app: AppProcess;
  readonly compaction: Compaction;
  readonly metrics: CompactMetrics;
  readonly stop: AbortController;
}

/** Sets the services up; they run in the process' group. Throws APP_CONFIG. */
export async function runCompact(options: CompactOptions, app: AppProcess): Promise<void> {
  const { log } = app;
  inlineLess();
  const metrics = new CompactMetrics(app.registry, options.deleteDelayMs);
  const fetchMetrics = new FetchMetrics(app.registry);
  const stop = new AbortController();
  let blocks: BlocksApi | null = null;
  let plan: CompactionPlan | null = null;
  const looked = (snapshot: BucketSnapshot): void => {
    fetchMetrics.observe(snapshot.view);
    blocks?.setLoaded(snapshot.metas.values());
    plan = compaction.plan(snapshot);
    metrics.setTodo(plan, app.now());
  };
  const compaction = openCompaction(options, app, metrics, looked);
  const running: Running = { options, app, compaction, metrics, stop };
  if (options.dryRun) {
    app.group.add(dryRunActor(running));
    return;
  }
  if (options.replicaLabels.length > 0) {
    log.info("deduplication.replica-label specified, enabling vertical compaction", {
      dedupReplicaLabels: options.replicaLabels.join(","),
    });
  }
  const http = await createHttp(app, options.http, "");
  app.group.add(http.server);
  if (options.wait && !options.web.disabled) {
    const { web } = options;
    const api = new BlocksApi(
      { label: web.groupLabel, disableCors: web.disableCors, disableAdmin: web.disableAdmin },
      { bucket: compaction.bucket, now: app.now },
    );
    blocks = api;
    await addWeb(http.server, running, api, () => plan);
    app.group.add(globalViewActor(running, api));
  }
  app.group.add(options.wait ? loopActor(running) : onceActor(running));
  if (options.wait && options.cleanupIntervalMs > 0) app.group.add(cleanupActor(running));
  if (options.wait && options.progressIntervalMs > 0) {
    app.group.add(
      repeated(running, "compact progress", options.progressIntervalMs, async () => {
        const snapshot = await compaction.view.look(stop.signal);
        metrics.setTodo(compaction.plan(snapshot), app.now());
      }),
    );
  }
  log.info("starting compact node");
  http.prober.ready();
}

/** Runs rounds of work that must not end the process; failures are logged. */
function repeated(
  { app, metrics, stop }: Running,
  name: string,
  intervalMs: number,
  work: () => Promise<void>,
): Actor {
  return {
    name,
    execute: async () => {
      while (!stop.signal.aborted) {
        try {
          await work();
        } catch (thrown) {
          if (stop.signal.aborted) break;
          app.log.error("retriable error", { what: name, err: messageOf(thrown) });
          metrics.retried();
        }
        await sleep(intervalMs, stop.signal);
      }
    },
    interrupt: () => stop.abort(new Error("the process is stopping")),
  };
}

function onceActor({ app, compaction, metrics, stop }: Running): Actor {
  return {
    name: "compact",
    execute: async () => {
      let end = (): Promise<void> => Promise.resolve();
      try {
        end = await compaction.claim(stop.signal);
        const { failures } = await compaction.compactor.round(stop.signal);
        if (failures.length > 0) {
          throw new AppError("APP_RUN", `compaction: ${failures.join("; ")}`);
        }
        metrics.iterated();
        app.log.info("compaction iterations done");
      } catch (thrown) {
        if (!stop.signal.aborted) throw thrown;
      } finally {
        await end();
        await compaction.close();
      }
    },
    interrupt: () => stop.abort(new Error("the process is stopping")),
  };
}

function loopActor(running: Running): Actor {
  const { app, compaction, metrics, options, stop } = running;
  const round = async (): Promise<void> => {
    const { failures } = await compaction.compactor.round(stop.signal);
    if (failures.length === 0) metrics.iterated();
    else metrics.retried();
  };
  return {
    name: "compact",
    execute: async () => {
      let end = (): Promise<void> => Promise.resolve();
      try {
        end = await compaction.claim(stop.signal);
        while (!stop.signal.aborted) {
          try {
            await round();
          } catch (thrown) {
            if (stop.signal.aborted) break;
            if (thrown instanceof CompactionHalt) {
              app.log.error("critical error detected; halting", { err: messageOf(thrown) });
              metrics.halted();
              await sleep(Number.MAX_SAFE_INTEGER, stop.signal);
              break;
            }
            if (options.haltOnError && !mayPass(thrown)) throw thrown;
            app.log.error("retriable error", { err: messageOf(thrown) });
            metrics.retried();
          }
          await sleep(options.waitIntervalMs, stop.signal);
        }
      } finally {
        await end();
        await compaction.close();
      }
    },
    interrupt: () => stop.abort(new Error("the process is stopping")),
  };
}

/** True for errors of the store itself, which may be gone the next time. */
function mayPass(thrown: unknown): boolean {
  return !(thrown instanceof BlocksError) || thrown.code === "BLOCKS_LIST";
}

/** Cleaning and retention beside the rounds, since one round may take long. */
function cleanupActor(running: Running): Actor {
  const { app, compaction, metrics, options, stop } = running;
  const { bucket, view } = compaction;
  const deps = { bucket, log: app.log, now: app.now, events: metrics };
  return repeated(running, "compact cleanup", options.cleanupIntervalMs, async () => {
    const { signal } = stop;
    const snapshot = await view.look(signal);
    if (snapshot.view.incomplete) throw new AppError("APP_RUN", "incomplete view of the bucket");
    await cleanPartialUploads(snapshot, options.deleteDelayMs, deps, signal);
    if (!options.haltOnError) {
      await deleteMarkedBlocks(snapshot, options.deleteDelayMs, deps, signal);
      await applyRetention(snapshot.metas.values(), options.retention, deps, signal);
    }
    metrics.cleanedUp();
  });
}

function dryRunActor({ app, compaction, stop }: Running): Actor {
  return {
    name: "compact",
    execute: async () => {
      try {
        const plan = compaction.plan(await compaction.view.look(stop.signal));
        app.write(planText(plan, app.now()));
      } finally {
        await compaction.close();
      }
    },
    interrupt: () => stop.abort(new Error("the process is stopping")),
  };
}

/** Keeps the viewer's list of all blocks fresh. */
function globalViewActor(running: Running, api: BlocksApi): Actor {
  const { app, compaction, options, stop } = running;
  const { log, now } = app;
  const fetcher = new MetaFetcher(
    { strategy: options.discovery, readsMax: options.metaFetchConcurrency, cacheDir: undefined },
    { bucket: compaction.bucket, filters: [], log, now },
  );
  return repeated(running, "block viewer", options.viewer.intervalMs, async () => {
    const timeout = AbortSignal.timeout(options.viewer.timeoutMs);
    try {
      const { metas } = await fetcher.fetch(AbortSignal.any([stop.signal, timeout]));
      api.setGlobal(metas.values());
    } catch (thrown) {
      api.setGlobal(undefined);
      throw thrown;
    }
  });
}

async function addWeb(
  server: HttpServer,
  { options, app, compaction, stop }: Running,
  blocks: BlocksApi,
  lastPlan: () => CompactionPlan | null,
): Promise<void> {
  const { web } = options;
  const cors = { disableCors: web.disableCors };
  baseApi(server, "", app, cors);
  blocks.register(server, "");
  server.api(["GET"], "/api/v1/compact/plan", "compact_plan", cors, async ({ query }) => {
    const fresh = query.get("refresh") === "true" ? null : lastPlan();
    return { data: fresh ?? compaction.plan(await compaction.view.look(stop.signal)) };
  });
  await componentUi(server, app.component, {
    routePrefix: "",
    externalPrefix: web.externalPrefix,
    prefixHeader: web.prefixHeader,
  });
}
