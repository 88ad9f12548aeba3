// What the pipelines share.
import type { Log } from "@deucalion/base";
import type { ParseOptions } from "@deucalion/promql";
import type { Exchange } from "../../http/exchange.ts";
import type { FinerSteps } from "../cache/finer-steps.ts";
import type { ResultCache } from "../cache/result-cache.ts";
import type { Downstream, DownstreamReply } from "../downstream.ts";
import type { FrontendMetrics, Tripperware } from "../frontend-metrics.ts";
import type { QueryFrontendOptions } from "../options.ts";
import type { QuerierFlags } from "../querier-flags.ts";
import type { RequestParams } from "../request-params.ts";
import type { StoresWatch } from "../stores-watch.ts";
import type { Caller } from "../who.ts";

export interface FrontendContext {
  readonly options: QueryFrontendOptions;
  readonly parse: ParseOptions;
  readonly log: Log;
  readonly now: () => number;
  readonly downstream: Downstream;
  readonly metrics: FrontendMetrics;
  readonly rangeCache: ResultCache | null;
  readonly labelsCache: ResultCache | null;
  readonly stores: StoresWatch;
  readonly flags: QuerierFlags;
  readonly finerSteps: FinerSteps;
  /** Work that goes on after an answer was sent: entries that are put into caches. */
  readonly later: (work: () => Promise<void>) => void;
}

/** What the slow query log and the statistics header tell beside the request. */
export interface Trace {
  wallMs: number;
  stats: unknown;
}

/** One request on its way. */
export interface FrontendRequest {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly params: RequestParams;
  /** The path below which `/api/v1` stands: the querier's route prefix. */
  readonly prefix: string;
  readonly trace: Trace;
}

/** Sends one sub-request. */
export async function ask(
  context: FrontendContext,
  request: FrontendRequest,
  params: RequestParams,
  how: {
    readonly kind: Tripperware;
    readonly triesMax: number;
    readonly signal: AbortSignal;
    readonly method?: "GET" | "POST";
  },
): Promise<DownstreamReply> {
  const begun = performance.now();
  const reply = await context.downstream.call({
    method: how.method ?? "POST",
    path: request.exchange.path,
    params: params.toSearch(),
    headers: request.caller.headers,
    triesMax: Math.max(1, how.triesMax),
    signal: how.signal,
    onTries: (tries) => context.metrics.retries.observe({ tripperware: how.kind }, tries - 1),
  });
  request.trace.wallMs += performance.now() - begun;
  return reply;
}

/** True if the client wants no answer of a cache, and none kept. */
export function refusesCache(exchange: Exchange): boolean {
  return exchange.header("cache-control").includes("no-store");
}

/** Adds `Server-Timing` where statistics are forced. */
export function timingHeader(
  context: FrontendContext,
  request: FrontendRequest,
  begun: number,
): void {
  if (!context.options.forceStats) return;
  const { exchange, trace, caller } = request;
  context.metrics.seconds.inc({ user: caller.orgId }, trace.wallMs / 1000);
  exchange.response.setHeader(
    "Server-Timing",
    `querier_wall_time;dur=${trace.wallMs.toFixed(3)}, response_time;dur=${(performance.now() - begun).toFixed(3)}`,
  );
}
