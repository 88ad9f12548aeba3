// Runs one query: waits for its turn, bounds its time and bytes, and tells what became of it.
import type { SeriesSource } from "@deucalion/model";
import { PromqlError, type QueryOptions, type QueryResult } from "@deucalion/promql";
import type { ApiReply } from "../../http/answers/envelope.ts";
import type { ActiveQuery } from "../active-queries.ts";
import { Gate } from "../gate.ts";
import type { StoreStats } from "../querier.ts";
import { RequestSource } from "../request-source.ts";
import { analysisJson } from "./analysis.ts";
import { queryError } from "./promql-error-type.ts";
import type { QueryContext } from "./query-context.ts";
import type { QueryParams } from "./query-params.ts";
import { queryData } from "./result-json.ts";

/** What running takes; how the answer is written is not part of it. */
export type ExecuteParams = Omit<QueryParams, "expr" | "stats"> & {
  readonly stats?: QueryParams["stats"];
};

/** Evaluates over the source that the request asks for. */
export type Evaluate = (source: SeriesSource, query: QueryOptions) => Promise<QueryResult>;

/** Stores get most of the time, so that what the others gave can still be answered in time. */
const storesShare = 0.95;

/** One signal for the client's leaving, a user's cancel, and the end of the time. */
function deadline(caller: AbortSignal, active: ActiveQuery, timeoutMs: number) {
  const stop = new AbortController();
  const onGone = () =>
    stop.abort(new PromqlError("PROMQL_CANCELED", "query was canceled in query execution"));
  const onCancel = () => stop.abort(active.signal.reason);
  caller.addEventListener("abort", onGone);
  active.signal.addEventListener("abort", onCancel);
  const timer =
    timeoutMs > 0
      ? setTimeout(
          () => stop.abort(new PromqlError("PROMQL_TIMEOUT", "query timed out in query execution")),
          timeoutMs,
        )
      : undefined;
  const clear = () => {
    clearTimeout(timer);
    caller.removeEventListener("abort", onGone);
    active.signal.removeEventListener("abort", onCancel);
  };
  return { signal: stop.signal, clear };
}

/** First step and distance of the steps, in ms. */
export interface QuerySteps {
  readonly startMs: number;
  readonly stepMs: number;
}

/** Numbers of samples as Prometheus tells them: `[time, number]` of each step. */
function perStep(numbers: Float64Array, { startMs, stepMs }: QuerySteps): number[][] {
  return Array.from(numbers, (number, i) => [(startMs + i * stepMs) / 1000, number]);
}

function samplesJson({ stats }: QueryResult, steps: QuerySteps): unknown {
  const { samplesTotal, peakSamples, samplesRead, samplesPerStep, samplesReadPerStep } = stats;
  if (samplesPerStep === undefined || samplesReadPerStep === undefined) {
    return { totalQueryableSamples: samplesTotal, peakSamples };
  }
  return {
    totalQueryableSamplesPerStep: perStep(samplesPerStep, steps),
    totalQueryableSamples: samplesTotal,
    samplesReadPerStep: perStep(samplesReadPerStep, steps),
    samplesRead,
    peakSamples,
  };
}

function statsJson(
  result: QueryResult,
  evalMs: number,
  waitMs: number,
  steps: QuerySteps,
): unknown {
  const seconds = evalMs / 1000;
  return {
    timings: {
      evalTotalTime: seconds,
      resultSortTime: 0,
      queryPreparationTime: 0,
      innerEvalTime: seconds,
      execQueueTime: waitMs / 1000,
      execTotalTime: (evalMs + waitMs) / 1000,
    },
    samples: samplesJson(result, steps),
  };
}

/** What became of a query. */
export interface Outcome {
  readonly result: QueryResult;
  readonly evalMs: number;
  readonly waitMs: number;
  readonly stores: readonly StoreStats[];
}

async function evaluateWithin(
  context: QueryContext,
  params: ExecuteParams,
  active: ActiveQuery,
  signal: AbortSignal,
  evaluate: Evaluate,
): Promise<Outcome> {
  const queued = performance.now();
  const leave = await context.gate.enter(signal);
  try {
    const begun = performance.now();
    const waitMs = begun - queued;
    context.active.begin(active);
    const stores: StoreStats[] = [];
    const left = params.timeoutMs > 0 ? Math.max(1, params.timeoutMs - waitMs) : 0;
    const source = context.querier.source({
      dedup: params.dedup,
      replicaLabels: params.replicaLabels,
      partialResponse: params.partialResponse,
      maxSourceResolutionMs: params.maxSourceResolutionMs,
      storeMatch: params.storeMatch,
      shard: params.shard,
      labelsOnly: false,
      storesWithinMs: left * storesShare,
      ...(params.analyze ? { onStore: (stats: StoreStats) => void stores.push(stats) } : {}),
    });
    const counted = new RequestSource(
      source,
      {
        partialResponse: params.partialResponse,
        shard: params.shard,
        tenant: params.tenant,
        maxResolutionMs: params.maxSourceResolutionMs,
      },
      (series) => {
        active.series += series;
      },
      new Gate(context.options.maxConcurrentSelect, context.selects),
    );
    const result = await evaluate(counted, {
      signal,
      timeoutMs: left,
      lookbackMs: params.lookbackMs,
      tenant: params.tenant,
      byteBudget: context.bytes.of(active),
      hasYounger: () => context.active.hasYounger(active),
      limit: params.limit,
      maxResolutionMs: params.maxSourceResolutionMs,
      analyze: params.analyze,
      remotes: context.remotes?.forQuery(params, left),
      ...(params.stats === "all" ? { stats: "all" as const } : {}),
    });
    return { result, evalMs: performance.now() - begun, waitMs, stores };
  } finally {
    leave();
  }
}

function logSlow(
  context: QueryContext,
  params: ExecuteParams,
  active: ActiveQuery,
  ms: number,
  error: string,
): void {
  const limit = context.options.slowQueryMs;
  if (limit === 0 || (limit > 0 && ms < limit)) return;
  context.log.info("slow query detected", {
    query: params.query,
    kind: active.kind,
    tenant: params.tenant,
    time_taken_ms: Math.round(ms),
    series: active.series,
    bytes: active.bytes,
    ...(error === "" ? {} : { err: error }),
  });
}

/** Runs a query to its end. `caller` is aborted when nobody waits any more. Throws ApiError. */
export async function executeQuery(
  context: QueryContext,
  caller: AbortSignal,
  params: ExecuteParams,
  kind: "instant" | "range",
  evaluate: Evaluate,
): Promise<Outcome> {
  const active = context.active.add(params.query, kind, params.tenant);
  const { signal, clear } = deadline(caller, active, params.timeoutMs);
  const begun = performance.now();
  context.metrics.begin();
  let failure = "";
  try {
    const outcome = await evaluateWithin(context, params, active, signal, evaluate);
    const { samplesTotal } = outcome.result.stats;
    context.metrics.done(params.tenant, outcome.evalMs / 1000, active.series, samplesTotal);
    return outcome;
  } catch (error) {
    // Whatever a store said last, an aborted query ends with why it was aborted.
    const told = queryError(signal.aborted ? signal.reason : error, kind);
    failure = told.message;
    context.metrics.failed(told.type);
    throw told;
  } finally {
    clear();
    context.active.remove(active);
    context.metrics.end();
    logSlow(context, params, active, performance.now() - begun, failure);
  }
}

/** Runs a query and makes the answer of the HTTP API. Throws ApiError. */
export async function runQuery(
  context: QueryContext,
  caller: AbortSignal,
  params: QueryParams,
  kind: "instant" | "range",
  steps: QuerySteps,
  evaluate: Evaluate,
): Promise<ApiReply> {
  const { result, evalMs, waitMs, stores } = await executeQuery(
    context,
    caller,
    params,
    kind,
    evaluate,
  );
  return {
    data: queryData(result.value, {
      ...(params.stats === "none" ? {} : { stats: statsJson(result, evalMs, waitMs, steps) }),
      analysis: params.analyze ? analysisJson(params, result, evalMs, stores) : {},
    }),
    warnings: [...new Set([...result.warnings, ...result.infos])],
  };
}
