// The query frontend in the process of the querier: the querier listens on a socket of its own, the frontend on the address.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@deucalion/base";
import { Registry } from "prom-client";
import { HttpServer } from "../http/http-server.ts";
import { noRequestLogger } from "../http/requests/request-logging.ts";
import { openWebConfig } from "../http/web-config.ts";
import type { AppProcess } from "../process/app-process.ts";
import { Prober } from "../process/prober.ts";
import type { Actor } from "../process/run-group.ts";
import type { QueryApiOptions } from "../query/options.ts";
import type { CacheConfig } from "./cache/cache-config.ts";
import { createFrontend } from "./create-frontend.ts";
import { parseDownstreamConfig } from "./downstream-config.ts";
import type { QueryFrontendOptions } from "./options.ts";
import { tenantHeader } from "./who.ts";

/** What the querier lets one choose; the rest is as it has to be for answers that stay the same. */
export interface InProcessOptions {
  readonly cache: CacheConfig;
  readonly splitMs: number;
  /** What is younger is not kept. */
  readonly freshnessMs: number;
  readonly compressCache: boolean;
}

/** Shards and alignment are off, retries too: the querier behind is this process. */
function frontendOptions(options: QueryApiOptions, chosen: InProcessOptions): QueryFrontendOptions {
  const { splitMs, freshnessMs, cache } = chosen;
  const { tenancy } = options;
  return {
    http: { address: "", gracePeriodMs: 0, configFile: "" },
    requestLoggingConfig: "",
    disableCors: options.web.disableCors,
    inQuerier: true,
    compress: true,
    downstreamUrl: new URL("http://querier"),
    downstream: { ...parseDownstreamConfig(""), connectionsMax: 0 },
    enableXFunctions: options.enableXFunctions,
    experimentalFunctions: options.experimentalFunctions,
    verticalShards: 0,
    forceStats: false,
    slowQueryMs: 0,
    slowQueryUserHeader: "",
    forwardHeaders: [],
    compressCache: chosen.compressCache,
    range: {
      align: false,
      requestDownsampled: false,
      split: { intervalMs: splitMs, minIntervalMs: 0, maxIntervalMs: 0, shards: 0 },
      triesMax: 1,
      lengthMaxMs: 0,
      parallel: Math.max(1, options.maxConcurrent),
      freshnessMs,
      partialResponse: options.partialResponse,
      cache,
    },
    instant: { triesMax: 1 },
    labels: {
      splitMs: 0,
      triesMax: 1,
      parallel: 1,
      freshnessMs,
      partialResponse: options.partialResponse,
      defaultRangeMs: 0,
      cache: null,
    },
    tenancy: {
      header: tenancy.header,
      defaultTenant: tenancy.defaultTenant,
      certificateField: tenancy.certificateField,
      orgIdHeaders: [],
    },
  };
}

/** Options of the querier behind the frontend, which tells it the tenant by Thanos' header. */
export function behindFrontend(options: QueryApiOptions): QueryApiOptions {
  const tenancy = { ...options.tenancy, header: tenantHeader, certificateField: "" as const };
  return { ...options, tenancy };
}

/** The two halves of a querier with a frontend in front. */
export interface InProcessFrontend {
  /** The querier's routes belong here. */
  readonly behind: HttpServer;
  /** Runs both: stopped, it first answers what was asked on the outer server. */
  readonly actor: Actor;
}

/**
 * Puts a frontend before a querier's HTTP API in one process. Everything on `server` without a route of its own goes through it.
 * Throws BLOCKS_CACHE if the package of a cache is missing.
 */
export async function frontendInProcess(
  server: HttpServer,
  options: QueryApiOptions,
  chosen: InProcessOptions,
  app: AppProcess,
): Promise<InProcessFrontend> {
  // Only this user may enter the folder.
  const folder = await mkdtemp(join(tmpdir(), "deucalion-query-"));
  const socketPath = join(folder, "http.sock");
  const registry = new Registry();
  const behind = new HttpServer(
    { address: `unix:${socketPath}`, gracePeriodMs: 0, configFile: "" },
    {
      component: app.component,
      log: silentLog,
      registry,
      prober: new Prober(app.component, { log: silentLog, registry }),
      tracer: app.tracer,
      requestLogger: noRequestLogger,
      webConfig: openWebConfig,
    },
  );
  const settings = frontendOptions(options, chosen);
  const frontend = await createFrontend(
    server,
    { ...settings, downstream: { ...settings.downstream, socketPath } },
    app,
  );
  return {
    behind,
    actor: {
      name: "http",
      execute: async () => {
        await behind.start();
        const running = behind.execute();
        await server.execute();
        await running;
      },
      interrupt: async (reason) => {
        await server.interrupt(reason);
        await frontend.close();
        await behind.interrupt(reason);
        await rm(folder, { recursive: true, force: true });
      },
    },
  };
}
