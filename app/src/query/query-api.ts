// The HTTP API of a querier: every route, below the route prefix.
import type { Engine, ParseOptions } from "@deucalion/promql";
import type { ApiHandler, HttpServer } from "../http/http-server.ts";
import { baseApi } from "../http/routes/base-api.ts";
import { uiRoutes } from "../http/routes/ui-routes.ts";
import type { AppProcess } from "../process/app-process.ts";
import { ActiveQueries } from "./active-queries.ts";
import { ActiveQueryFile } from "./active-query-file.ts";
import { activeQueriesHandler, cancelQueryHandler } from "./api/active-queries.ts";
import { labelsHandler, labelValuesHandler } from "./api/labels.ts";
import { metadataHandler } from "./api/metadata.ts";
import { queryExplainHandler, queryHandler } from "./api/query.ts";
import type { QueryContext } from "./api/query-context.ts";
import { queryExemplarsHandler } from "./api/query-exemplars.ts";
import { queryRangeExplainHandler, queryRangeHandler } from "./api/query-range.ts";
import { formatQueryHandler, parseQueryHandler } from "./api/query-text.ts";
import { alertsHandler, rulesHandler } from "./api/rules.ts";
import { seriesHandler } from "./api/series.ts";
import { statusTsdbHandler } from "./api/status-tsdb.ts";
import { endpointsHandler, storesHandler } from "./api/stores.ts";
import { targetsHandler } from "./api/targets.ts";
import { BytePool } from "./byte-pool.ts";
import { Gate, GateMetrics } from "./gate.ts";
import type { QueryApiOptions } from "./options.ts";
import type { Querier } from "./querier.ts";
import { QueryMetrics } from "./query-metrics.ts";
import type { RemoteQueriers } from "./remote/remote-queriers.ts";

export interface QueryApiDeps {
  readonly app: AppProcess;
  readonly querier: Querier;
  readonly engine: Pick<Engine, "instant" | "range">;
  /** Distributed mode: other queriers that evaluate parts of queries. */
  readonly remotes?: RemoteQueriers;
}

/** What the parser accepts, from the options. */
export function parseOptions(options: QueryApiOptions): ParseOptions {
  return {
    experimentalFunctions: options.experimentalFunctions,
    durationExpressions: options.experimentalFunctions,
    extendedRangeSelectors: options.experimentalFunctions,
    binopFillModifiers: options.experimentalFunctions,
    xFunctions: options.enableXFunctions,
  };
}

function createContext(options: QueryApiOptions, deps: QueryApiDeps): QueryContext {
  const { app, querier, engine } = deps;
  const places = Math.max(1, options.maxConcurrent);
  const file =
    options.activeQueryPath === ""
      ? null
      : new ActiveQueryFile(options.activeQueryPath, places, app.log);
  return {
    app,
    log: app.log,
    options,
    parse: parseOptions(options),
    querier,
    engine,
    remotes: deps.remotes ?? null,
    gate: new Gate(
      options.maxConcurrent,
      new GateMetrics(options.maxConcurrent, "thanos_query_concurrent_", app.registry),
    ),
    selects: new GateMetrics(
      options.maxConcurrentSelect,
      "thanos_query_concurrent_selects_",
      app.registry,
      "selects",
    ),
    active: new ActiveQueries(file, app.now),
    bytes: new BytePool(options.maxBytes || app.memoryBytes, app.registry),
    metrics: new QueryMetrics(options, app.registry),
  };
}

/** Registers the API and the UI; gives what other front doors (gRPC) share with it. */
export async function registerQueryApi(
  server: HttpServer,
  options: QueryApiOptions,
  deps: QueryApiDeps,
): Promise<QueryContext> {
  const context = createContext(options, deps);
  const { web, tenancy } = options;
  const cors = { disableCors: web.disableCors };
  baseApi(server, web.routePrefix, deps.app, cors);
  const base = `${web.routePrefix}/api/v1`;
  const get = (path: string, name: string, handler: ApiHandler) =>
    server.api(["GET"], base + path, name, cors, handler);
  const both = (path: string, name: string, handler: ApiHandler) =>
    server.api(["GET", "POST"], base + path, name, cors, handler);
  both("/query", "query", queryHandler(context));
  both("/query_explain", "query", queryExplainHandler(context));
  both("/query_range", "query_range", queryRangeHandler(context));
  both("/query_range_explain", "query", queryRangeExplainHandler(context));
  get("/label/:name/values", "label_values", labelValuesHandler(context));
  both("/series", "series", seriesHandler(context));
  both("/labels", "label_names", labelsHandler(context));
  get("/stores", "stores", storesHandler(context));
  get("/endpoints", "endpoints", endpointsHandler(context));
  get("/alerts", "alerts", alertsHandler(context));
  get("/rules", "rules", rulesHandler(context));
  get("/targets", "targets", targetsHandler(context));
  get("/metadata", "metadata", metadataHandler(context));
  both("/query_exemplars", "exemplars", queryExemplarsHandler(context));
  get("/status/tsdb", "status_tsdb", statusTsdbHandler(context));
  both("/format_query", "format_query", formatQueryHandler(context));
  both("/parse_query", "parse_query", parseQueryHandler(context));
  get("/status/active_queries", "active_queries", activeQueriesHandler(context));
  server.api(
    ["POST"],
    `${base}/status/active_queries/:id/cancel`,
    "cancel_query",
    cors,
    cancelQueryHandler(context),
  );
  await uiRoutes(server, {
    component: "query",
    queryUrl: web.queryUrl,
    tenantHeader: tenancy.header,
    defaultTenant: tenancy.defaultTenant,
    displayTenantBox: tenancy.enforce,
    routePrefix: web.routePrefix,
    externalPrefix: web.externalPrefix,
    prefixHeader: web.prefixHeader,
  });
  return context;
}
