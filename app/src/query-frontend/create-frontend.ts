// Puts the query frontend together: client, caches, metrics.
import { messageOf } from "@deucalion/base";
import type { HttpServer } from "../http/http-server.ts";
import type { AppProcess } from "../process/app-process.ts";
import { FinerSteps } from "./cache/finer-steps.ts";
import { CacheMetrics } from "./cache/memory-cache.ts";
import { openResultCache } from "./cache/open-result-cache.ts";
import { Downstream } from "./downstream.ts";
import { DownstreamAnswer } from "./errors.ts";
import { handle } from "./frontend.ts";
import { FrontendMetrics } from "./frontend-metrics.ts";
import type { QueryFrontendOptions } from "./options.ts";
import type { FrontendContext } from "./pipelines/pipeline.ts";
import { QuerierFlags } from "./querier-flags.ts";
import { type StoreAnswer, StoresWatch, storeSet } from "./stores-watch.ts";

const statusTimeoutMs = 5000;

/** The body at a path of the querier. Throws DownstreamAnswer, FrontendError. */
async function askStatus(downstream: Downstream, path: string): Promise<string> {
  const reply = await downstream.call({
    method: "GET",
    path,
    params: new URLSearchParams(),
    headers: {},
    triesMax: 1,
    signal: AbortSignal.timeout(statusTimeoutMs),
  });
  return reply.body.toString();
}

async function askStores(downstream: Downstream, path: string): Promise<StoreAnswer> {
  try {
    const document = JSON.parse(await askStatus(downstream, path)) as { readonly data?: unknown };
    if (typeof document.data !== "object" || document.data === null) return "unknown";
    return storeSet(document.data as Parameters<typeof storeSet>[0]);
  } catch (error) {
    // A Prometheus has no stores to tell of; anything else may tell the next time.
    if (error instanceof DownstreamAnswer && error.status === 404) return "unknown";
    return "unsure";
  }
}

/** A frontend that serves. */
export interface Frontend {
  readonly context: FrontendContext;
  /** Resolves when everything that was answered so far is in the caches. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Makes the frontend and routes everything that has no route yet to it. Throws BLOCKS_CACHE. */
export async function createFrontend(
  server: HttpServer,
  options: QueryFrontendOptions,
  app: AppProcess,
): Promise<Frontend> {
  const downstream = new Downstream(options.downstreamUrl, options.downstream);
  const metrics = new CacheMetrics(app.registry);
  const work = new Set<Promise<void>>();
  const { range, labels } = options;
  const rangeCache = await openResultCache("query-range", range.cache, app, metrics);
  const labelsCache = await openResultCache("labels", labels.cache, app, metrics);
  const context: FrontendContext = {
    options,
    parse: {
      experimentalFunctions: options.experimentalFunctions,
      durationExpressions: options.experimentalFunctions,
      extendedRangeSelectors: options.experimentalFunctions,
      binopFillModifiers: options.experimentalFunctions,
      xFunctions: options.enableXFunctions,
    },
    log: app.log,
    now: app.now,
    downstream,
    metrics: new FrontendMetrics(app.registry),
    rangeCache,
    labelsCache,
    stores: new StoresWatch((path) => askStores(downstream, path), app.now),
    flags: new QuerierFlags((path) => askStatus(downstream, path), app.now),
    finerSteps: new FinerSteps(),
    later: (todo) => {
      const running = todo()
        .catch((error: unknown) =>
          app.log.warn("an answer could not be put into the cache", { err: messageOf(error) }),
        )
        .finally(() => work.delete(running));
      work.add(running);
    },
  };
  server.any("/", "query-frontend", (exchange) => handle(context, exchange));
  server.any("/*", "query-frontend", (exchange) => handle(context, exchange));
  return {
    context,
    settled: async () => void (await Promise.all([...work])),
    close: async () => {
      downstream.close();
      await Promise.all([rangeCache?.close(), labelsCache?.close()]);
    },
  };
}
