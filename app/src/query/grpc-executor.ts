// Evaluates queries that come over gRPC, with the same limits and the same list as those over HTTP.
import type { SourceContext } from "@deucalion/model";
import { PromqlError } from "@deucalion/promql";
import {
  type InstantQueryRequest,
  matchersFromWire,
  type QueryExecutor,
  type QueryOutcome,
  type RangeQueryRequest,
} from "@deucalion/storeapi";
import type { QueryContext } from "./api/query-context.ts";
import { type ExecuteParams, executeQuery, type Outcome } from "./api/run-query.ts";
import { lookbackFor } from "./lookback.ts";

type Request = InstantQueryRequest | RangeQueryRequest;

function paramsOf(context: QueryContext, request: Request, call: SourceContext): ExecuteParams {
  const { options } = context;
  const asked = request.timeoutSeconds * 1000;
  const most = options.timeoutMs;
  const maxSourceResolutionMs =
    request.maxResolutionSeconds === 0
      ? options.instantMaxSourceResolutionMs
      : request.maxResolutionSeconds * 1000;
  const lookbackMs =
    request.lookbackDeltaSeconds > 0
      ? request.lookbackDeltaSeconds * 1000
      : lookbackFor(options.lookbackMs, options.dynamicLookback, maxSourceResolutionMs);
  const shard = request.shardInfo;
  return {
    query: request.query,
    tenant: call.tenant ?? options.tenancy.defaultTenant,
    timeoutMs: asked > 0 && most > 0 ? Math.min(asked, most) : asked || most,
    dedup: request.enableDedup,
    replicaLabels: request.replicaLabels.length > 0 ? request.replicaLabels : options.replicaLabels,
    storeMatch: request.storeMatchers.map(({ labelMatchers }) => matchersFromWire(labelMatchers)),
    partialResponse: request.enablePartialResponse,
    maxSourceResolutionMs,
    shard:
      shard === undefined || shard.totalShards < 1
        ? null
        : { index: shard.shardIndex, total: shard.totalShards, by: shard.by, labels: shard.labels },
    lookbackMs,
    limit: 0,
    analyze: false,
  };
}

function outcomeOf({ result }: Outcome): QueryOutcome {
  const { samplesTotal, peakSamples } = result.stats;
  return {
    value: result.value,
    warnings: [...result.warnings, ...result.infos],
    stats: { samplesTotal, peakSamples },
  };
}

/** What went wrong, as the engine said it. */
async function plainly(work: Promise<Outcome>): Promise<QueryOutcome> {
  try {
    return outcomeOf(await work);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    throw cause instanceof PromqlError ? cause : error;
  }
}

export function grpcExecutor(context: QueryContext): QueryExecutor {
  const { engine } = context;
  return {
    instant: (request, call) => {
      const timeMs = request.timeSeconds === 0 ? context.app.now() : request.timeSeconds * 1000;
      const params = paramsOf(context, request, call);
      return plainly(
        executeQuery(context, call.signal, params, "instant", (source, query) =>
          engine.instant(request.query, source, timeMs, query),
        ),
      );
    },
    range: (request, call) => {
      const params = paramsOf(context, request, call);
      const { startTimeSeconds, endTimeSeconds, intervalSeconds } = request;
      return plainly(
        executeQuery(context, call.signal, params, "range", (source, query) =>
          engine.range(
            request.query,
            source,
            startTimeSeconds * 1000,
            endTimeSeconds * 1000,
            Math.max(1, intervalSeconds * 1000),
            query,
          ),
        ),
      );
    },
  };
}
