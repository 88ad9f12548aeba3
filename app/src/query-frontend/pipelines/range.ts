// …/api/v1/query_range: parts, cache, shards, and downsampled data where there is nothing else.
import { parseDuration } from "../../query/parse-value.ts";
import { mergeNotes, mergeSeries } from "../answers/merge-answers.ts";
import { type RangeAnswer, readRangeAnswer } from "../answers/read-answer.ts";
import { firstTime, joinRows, type Row } from "../answers/row.ts";
import { sendMatrix } from "../answers/write-answer.ts";
import { type Grid, phaseOf } from "../cache/finer-steps.ts";
import { throughCache } from "../cache/range-cache.ts";
import { FrontendError } from "../errors.ts";
import { SubRequests } from "../fan-out.ts";
import { type Span, splitSteps } from "../plan/split.ts";
import { type RequestParams, timeText } from "../request-params.ts";
import { sendReply } from "../send-reply.ts";
import { ask, type FrontendContext, type FrontendRequest, timingHeader } from "./pipeline.ts";
import { planOf, type RangePlan } from "./range-plan.ts";

/** Resolutions of downsampled blocks, ms. */
const resolutions = [300_000, 3_600_000];
/** Parameters that a key of the cache has otherwise, or that change no answer. */
const keyed = new Set([
  "query",
  "start",
  "end",
  "step",
  "timeout",
  "stats",
  "max_source_resolution",
]);

function withRows(answer: RangeAnswer, place: (warning: string) => string): RangeAnswer {
  return {
    ...answer,
    warnings: answer.warnings.map(place),
    infos: answer.infos.map(place),
  };
}

function keyOf(query: readonly unknown[], grid: Grid): string {
  return JSON.stringify([...query, grid.stepMs, phaseOf(grid)]);
}

/** One request after it was planned. */
class RangeRun {
  readonly #context: FrontendContext;
  readonly #request: FrontendRequest;
  readonly #plan: RangePlan;
  readonly #sub: SubRequests;

  constructor(
    context: FrontendContext,
    request: FrontendRequest,
    plan: RangePlan,
    sub: SubRequests,
  ) {
    this.#context = context;
    this.#request = request;
    this.#plan = plan;
    this.#sub = sub;
  }

  /** Asks the querier for some steps, of one shard or of all. */
  #once(span: Span, resolution: string, shard: string | null): Promise<RangeAnswer> {
    const { params, facts, stepMs } = this.#plan;
    return this.#sub.run(async () => {
      const left = this.#sub.leftMs;
      const sent = params.with({
        ...(facts === null ? {} : { query: facts.text }),
        start: timeText(span.startMs),
        end: timeText(span.endMs),
        ...(left === null ? {} : { timeout: timeText(Math.ceil(left)) }),
        ...(resolution === "" ? {} : { max_source_resolution: resolution }),
        ...(shard === null ? {} : { shard_info: shard }),
        ...(this.#context.options.forceStats ? { stats: "all" } : {}),
      });
      const { range } = this.#context.options;
      const reply = await ask(this.#context, this.#request, sent, {
        kind: "query_range",
        triesMax: range.triesMax,
        signal: this.#sub.signal,
      });
      const answer = readRangeAnswer(reply.body, { startMs: span.startMs, stepMs });
      if (answer === null) {
        throw new FrontendError("FRONTEND_ANSWER", "the answer of a range query is no matrix");
      }
      return facts === null ? answer : withRows(answer, facts.place);
    });
  }

  async #sharded(span: Span, resolution: string): Promise<RangeAnswer> {
    const { shards } = this.#plan;
    if (shards === null) return this.#once(span, resolution, null);
    const total = this.#context.options.verticalShards;
    const answers = await Promise.all(
      Array.from({ length: total }, (_, index) =>
        this.#once(
          span,
          resolution,
          JSON.stringify({ shard_index: index, total_shards: total, ...shards }),
        ),
      ),
    );
    const rows = mergeSeries(answers.map((answer) => answer.rows)).map(({ pieces }) =>
      joinRows(pieces),
    );
    return { ...mergeNotes(answers), rows };
  }

  /** All that a cache entry of a part belongs to, but its steps. */
  #query(part: Span, resolution: string): readonly unknown[] {
    const { params, facts, intervalMs } = this.#plan;
    return [
      "range",
      this.#request.prefix,
      this.#request.caller.cacheScope,
      facts!.text,
      intervalMs,
      Math.floor(part.startMs / intervalMs),
      resolution,
      params.keyWithout(keyed),
    ];
  }

  /** Whether values at a time are the same for every step. Where the querier chooses resolutions they are not. */
  #ignoresStep(resolution: string): Promise<boolean> {
    if (resolution === "auto" || this.#plan.facts!.readsStep) return Promise.resolve(false);
    if (resolution !== "") return Promise.resolve(true);
    return this.#context.flags.ignoresStep(`${this.#request.prefix}/api/v1/status/flags`);
  }

  /** How far samples of the query are settled, unix ms. */
  #settled(): number {
    const { facts } = this.#plan;
    const fresh = this.#context.now() - this.#context.options.range.freshnessMs;
    if (facts!.latestAtMs > fresh) return Number.NEGATIVE_INFINITY;
    return facts!.aheadMs > 0 ? fresh - facts!.aheadMs : fresh;
  }

  async #part(span: Span, resolution: string): Promise<readonly RangeAnswer[]> {
    const { stepMs, cached } = this.#plan;
    const { rangeCache, options, log, stores, later, finerSteps } = this.#context;
    if (!cached || rangeCache === null) return [await this.#sharded(span, resolution)];
    const settledMs = this.#settled();
    if (span.startMs > settledMs) return [await this.#sharded(span, resolution)];
    const path = `${this.#request.prefix}/api/v1/stores`;
    const query = this.#query(span, resolution);
    const name = JSON.stringify(query);
    const grid = { stepMs, startMs: span.startMs };
    const finer = async (): Promise<readonly string[]> => {
      const grids = finerSteps.finer(name, grid);
      const may = grids.length > 0 && (await this.#ignoresStep(resolution));
      return may ? grids.map((one) => keyOf(query, one)) : [];
    };
    const { answers, keep, known } = await throughCache(
      { key: keyOf(query, grid), span, stepMs, settledMs, finer },
      {
        cache: rangeCache,
        compress: options.compressCache,
        log,
        signal: this.#sub.signal,
        stores: (ageMs) => stores.stores(path, ageMs),
      },
      (gap) => this.#sharded(gap, resolution),
    );
    if (known) finerSteps.remember(name, grid);
    if (keep !== null) later(keep);
    return answers;
  }

  /** All parts of a range, in the order of time. */
  async #range(parts: readonly Span[], resolution: string): Promise<readonly RangeAnswer[]> {
    return (await Promise.all(parts.map((part) => this.#part(part, resolution)))).flat();
  }

  /** All answers, in the order of time. Data may be there in a coarser resolution only: older steps are asked for again. */
  async answers(): Promise<readonly RangeAnswer[]> {
    const { params, parts, span, stepMs, fallback, intervalMs, facts } = this.#plan;
    const given = params.get("max_source_resolution");
    let answers = await this.#range(parts, given);
    if (!fallback) return answers;
    for (const resolution of resolutions.filter((ms) => ms > stepMs / 5)) {
      const first = earliest(answers.map((answer) => answer.rows));
      const endMs = first === null ? span.endMs : first - stepMs;
      if (endMs < span.startMs) break;
      this.#context.metrics.downsampled.inc();
      const front = { startMs: span.startMs, endMs };
      const pieces = facts?.splittable === true ? splitSteps(front, stepMs, intervalMs) : [front];
      answers = [...(await this.#range(pieces, String(resolution / 1000))), ...answers];
    }
    return answers;
  }
}

/** Unix ms of the first sample of all; null if there is none. */
function earliest(parts: readonly (readonly Row[])[]): number | null {
  let first = Number.POSITIVE_INFINITY;
  for (const rows of parts) for (const row of rows) first = Math.min(first, firstTime(row));
  return Number.isFinite(first) ? first : null;
}

function timeoutMs(params: RequestParams): number {
  const text = params.get("timeout");
  return text === "" ? 0 : Math.max(1, parseDuration(text));
}

/** The plan; null where the querier's own words are wanted for what is wrong. Throws ApiError, FrontendError. */
function planOrNull(context: FrontendContext, request: FrontendRequest): RangePlan | null {
  try {
    return planOf(context, request);
  } catch (error) {
    if (context.options.inQuerier) return null;
    throw error;
  }
}

/** Answers a range query. Throws ApiError, FrontendError, DownstreamAnswer. */
export async function serveRange(
  context: FrontendContext,
  request: FrontendRequest,
): Promise<void> {
  const { exchange } = request;
  const { options } = context;
  const begun = performance.now();
  const handOn = async (params: RequestParams): Promise<void> => {
    const reply = await ask(context, request, params, {
      kind: "query_range",
      triesMax: options.range.triesMax,
      signal: exchange.signal,
    });
    timingHeader(context, request, begun);
    return sendReply(exchange, options.compress, reply);
  };
  const plan = planOrNull(context, request);
  if (plan === null) return handOn(request.params);
  const { parts, shards, cached, fallback, params, statsAsked } = plan;
  const whole = parts.length === 1 && shards === null && !cached && !fallback;
  context.metrics.splits.inc({ tripperware: "query_range" }, parts.length);
  if (whole && (!options.forceStats || plan.facts === null)) return handOn(params);
  const sub = new SubRequests(exchange.signal, options.range.parallel, timeoutMs(params));
  try {
    const answers = await new RangeRun(context, request, plan, sub).answers();
    const notes = mergeNotes(answers);
    request.trace.stats = notes.stats;
    timingHeader(context, request, begun);
    await sendMatrix(
      exchange,
      options.compress,
      mergeSeries(answers.map((answer) => answer.rows)),
      statsAsked ? notes : { ...notes, stats: undefined },
    );
  } finally {
    sub.close();
  }
}
