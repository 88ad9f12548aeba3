// Reads a range query: its limits, alignment, parts, shards, and whether the cache may answer it.
import { formatGoDuration } from "@deucalion/base";
import {
  parseBool,
  parseDuration,
  parseNamedDuration,
  parseTime,
} from "../../query/parse-value.ts";
import { refused } from "../errors.ts";
import { type QueryFacts, queryFacts } from "../plan/query-facts.ts";
import { type ShardLabels, shardLabels } from "../plan/shard-analysis.ts";
import { type Span, splitInterval, splitSteps } from "../plan/split.ts";
import { type RequestParams, timeText } from "../request-params.ts";
import { type FrontendContext, type FrontendRequest, refusesCache } from "./pipeline.ts";

const pointsMax = 11_000;
/** A range query that was read. */
export interface RangePlan {
  readonly params: RequestParams;
  readonly span: Span;
  readonly stepMs: number;
  readonly facts: QueryFacts | null;
  readonly intervalMs: number;
  readonly parts: readonly Span[];
  readonly shards: ShardLabels | null;
  readonly cached: boolean;
  /** Ask for downsampled data where there is nothing else. */
  readonly fallback: boolean;
  readonly statsAsked: boolean;
}

function spanOf(context: FrontendContext, params: RequestParams, stepMs: number): Span {
  const { align, lengthMaxMs } = context.options.range;
  const startMs = parseTime(params.get("start"));
  const endMs = parseTime(params.get("end"));
  if (endMs < startMs) throw refused("end timestamp must not be before start time");
  if (stepMs <= 0) {
    throw refused(
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  }
  if (Math.floor((endMs - startMs) / stepMs) > pointsMax) {
    throw refused(
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  }
  if (lengthMaxMs > 0 && endMs - startMs > lengthMaxMs) {
    throw refused(
      `the query time range exceeds the limit (query length: ${formatGoDuration(endMs - startMs)}, limit: ${formatGoDuration(lengthMaxMs)})`,
    );
  }
  if (!align) return { startMs, endMs };
  return {
    startMs: Math.floor(startMs / stepMs) * stepMs,
    endMs: Math.floor(endMs / stepMs) * stepMs,
  };
}

/** Times and texts that only the querier can judge are left to it. Throws ApiError, FrontendError. */
export function planOf(context: FrontendContext, request: FrontendRequest): RangePlan {
  const { options } = context;
  const { exchange } = request;
  let { params } = request;
  parseBool(params.get("dedup"), "dedup", true);
  if (params.get("partial_response") === "") {
    params = params.with({ partial_response: String(options.range.partialResponse) });
  } else parseBool(params.get("partial_response"), "partial_response", true);
  const resolution = params.get("max_source_resolution");
  if (resolution !== "" && resolution !== "auto") {
    parseNamedDuration(resolution, "max_source_resolution");
  }
  const given = params.get("step");
  const asked = given === "" ? 1 : parseDuration(given);
  const span = spanOf(context, params, asked > 0 ? Math.max(1, Math.trunc(asked)) : asked);
  const stepMs = Math.max(1, Math.trunc(asked));
  params = params.with({ start: timeText(span.startMs), end: timeText(span.endMs) });
  const statsAsked = params.get("stats") !== "";
  const analyze = params.get("analyze") !== "" && params.get("analyze") !== "false";
  const limit = params.get("limit");
  const free = given !== "" && (limit === "" || limit === "0");
  const facts = free ? queryFacts(params.get("query"), span, context.parse) : null;
  const splittable = facts?.splittable === true;
  const intervalMs = splitInterval(options.range.split, span);
  const sharded = options.verticalShards > 1 && facts !== null && !params.has("shard_info");
  const shards = sharded ? shardLabels(facts.expr) : null;
  if (options.verticalShards > 1)
    context.metrics.shardable.inc({ shardable: String(shards !== null) });
  return {
    params,
    span,
    stepMs,
    facts,
    intervalMs,
    parts: splittable ? splitSteps(span, stepMs, intervalMs) : [span],
    shards,
    cached:
      context.rangeCache !== null &&
      splittable &&
      intervalMs > 0 &&
      !statsAsked &&
      !analyze &&
      !refusesCache(exchange),
    fallback: free && options.range.requestDownsampled && resolution === "auto",
    statsAsked,
  };
}
