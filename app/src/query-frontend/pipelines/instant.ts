// …/api/v1/query: shards and retries.
import { type Expr, PromqlError, parseExpr } from "@deucalion/promql";
import { parseBool, parseDuration, parseTimeParam } from "../../query/parse-value.ts";
import { mergeNotes, sortByMetric } from "../answers/merge-answers.ts";
import { type InstantAnswer, readInstantAnswer } from "../answers/read-answer.ts";
import { sendElements } from "../answers/write-answer.ts";
import { FrontendError } from "../errors.ts";
import { SubRequests } from "../fan-out.ts";
import { isOrdered, type ShardLabels, shardLabels } from "../plan/shard-analysis.ts";
import { type RequestParams, timeText } from "../request-params.ts";
import { sendReply } from "../send-reply.ts";
import { ask, type FrontendContext, type FrontendRequest, timingHeader } from "./pipeline.ts";

function shardsOf(context: FrontendContext, params: RequestParams): ShardLabels | null {
  if (context.options.verticalShards <= 1) return null;
  const limit = params.get("limit");
  if (params.has("shard_info") || (limit !== "" && limit !== "0")) return null;
  let expr: Expr;
  try {
    expr = parseExpr(params.get("query"), context.parse);
  } catch (error) {
    if (error instanceof PromqlError) return null;
    throw error;
  }
  // The order of shards' elements among each other is not known.
  const shards = isOrdered(expr) ? null : shardLabels(expr);
  context.metrics.shardable.inc({ shardable: String(shards !== null) });
  return shards;
}

/** Answers an instant query. Throws ApiError, FrontendError, DownstreamAnswer. */
export async function serveInstant(
  context: FrontendContext,
  request: FrontendRequest,
): Promise<void> {
  const { exchange } = request;
  const { options, now } = context;
  const begun = performance.now();
  let { params } = request;
  parseTimeParam(params.get("time"), "time", 0);
  parseBool(params.get("dedup"), "dedup", true);
  if (params.get("partial_response") === "") {
    params = params.with({ partial_response: String(options.range.partialResponse) });
  }
  const statsAsked = params.get("stats") !== "";
  if (options.forceStats) params = params.with({ stats: "all" });
  const shards = shardsOf(context, params);
  const how = { kind: "query_instant", triesMax: options.instant.triesMax } as const;
  if (shards === null && (!options.forceStats || statsAsked)) {
    const reply = await ask(context, request, params, { ...how, signal: exchange.signal });
    timingHeader(context, request, begun);
    return sendReply(exchange, options.compress, reply);
  }
  if (params.get("time") === "") params = params.with({ time: timeText(now()) });
  const total = shards === null ? 1 : options.verticalShards;
  const timeout = params.get("timeout");
  const sub = new SubRequests(
    exchange.signal,
    options.range.parallel,
    timeout === "" ? 0 : Math.max(1, parseDuration(timeout)),
  );
  try {
    const replies = await Promise.all(
      Array.from({ length: total }, (_, index) =>
        sub.run(() => {
          const left = sub.leftMs;
          const sent = params.with({
            ...(left === null ? {} : { timeout: timeText(Math.ceil(left)) }),
            ...(shards === null
              ? {}
              : {
                  shard_info: JSON.stringify({
                    shard_index: index,
                    total_shards: total,
                    ...shards,
                  }),
                }),
          });
          return ask(context, request, sent, { ...how, signal: sub.signal });
        }),
      ),
    );
    const answers = replies.map(({ body }) => readInstantAnswer(body));
    request.trace.stats = mergeNotes(answers).stats;
    timingHeader(context, request, begun);
    // Scalars and strings are small and not sharded.
    if (answers[0]!.elements === null) {
      return await sendReply(exchange, options.compress, replies[0]!);
    }
    await sendMerged(context, request, answers, statsAsked);
  } finally {
    sub.close();
  }
}

function sendMerged(
  context: FrontendContext,
  request: FrontendRequest,
  answers: readonly InstantAnswer[],
  statsAsked: boolean,
): Promise<void> {
  const [first] = answers;
  const elements = answers.flatMap((answer) => answer.elements ?? []);
  if (answers.some((answer) => answer.resultType !== first!.resultType)) {
    throw new FrontendError("FRONTEND_ANSWER", "shards answered with different types of results");
  }
  const notes = mergeNotes(answers);
  return sendElements(
    request.exchange,
    context.options.compress,
    first!.resultType,
    answers.length === 1 ? elements : sortByMetric(elements),
    statsAsked ? notes : { ...notes, stats: undefined },
  );
}
