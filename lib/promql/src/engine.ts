// The PromQL engine: text, times and a source of series in; a value with its annotations out.
import type { SeriesSource } from "@deucalion/model";
import { Annotations } from "./annotations/annotations.ts";
import { PromqlError } from "./errors.ts";
import type { EvalOptions } from "./functions/contract.ts";
import { type ByteBudget, QueryLimits } from "./limits.ts";
import { evaluateNode } from "./operators/evaluate.ts";
import { Evaluation, type QueryState, RowPool } from "./operators/evaluation.ts";
import { NodeAnalysis, type NodeStats } from "./operators/node-analysis.ts";
import { SampleCounter } from "./operators/sample-counter.ts";
import { selectRows } from "./operators/selectors/instant-selector.ts";
import { SharedReads } from "./operators/selectors/shared-reads.ts";
import type { Expr, ParseOptions } from "./parse/ast.ts";
import { parseExpr } from "./parse/parse.ts";
import { typeName, typeOf } from "./parse/types.ts";
import type { Remotes } from "./plan/distributed/remote-engine.ts";
import type { QueryTimes } from "./plan/durations.ts";
import { type Plan, planQuery } from "./plan/plan.ts";
import { selectorTimes } from "./plan/selector-times.ts";
import { instantValue, matrixValue, type QueryValue } from "./result.ts";
import { makeSteps } from "./row.ts";

export interface EngineOptions {
  /** How old a sample may be that an instant selector still shows, in ms. */
  readonly lookbackMs: number;
  /** Step of subqueries that name none, in ms. */
  readonly defaultStepMs: number;
  /** Samples a query may hold at once; 0 is no limit. */
  readonly maxSamples: number;
  /** Bytes a query may hold at once; 0 is no limit. */
  readonly maxBytesPerQuery: number;
  /** 0 is no limit. */
  readonly timeoutMs: number;
  readonly parse: ParseOptions;
  readonly delayedNameRemoval: boolean;
  /** Rate-like functions use the start timestamps of samples. */
  readonly useStartTimestamps: boolean;
  readonly typeAndUnitLabels: boolean;
  /** Thanos' `xrate`, `xincrease`, `xdelta`; the parser has a switch of its own. */
  readonly enableXFunctions: boolean;
}

/** What Prometheus does without feature flags. */
export const engineDefaults: EngineOptions = {
  lookbackMs: 300_000,
  defaultStepMs: 60_000,
  maxSamples: 0,
  maxBytesPerQuery: 0,
  timeoutMs: 0,
  parse: {
    experimentalFunctions: false,
    durationExpressions: false,
    extendedRangeSelectors: false,
    binopFillModifiers: false,
    xFunctions: false,
  },
  delayedNameRemoval: false,
  useStartTimestamps: false,
  typeAndUnitLabels: false,
  enableXFunctions: false,
};

export interface QueryOptions {
  /** Stops the query; it then throws PROMQL_CANCELED, or the reason if that is a PromqlError. */
  readonly signal?: AbortSignal;
  /** Over the engine's. */
  readonly lookbackMs?: number;
  /** Over the engine's. */
  readonly timeoutMs?: number;
  /** At most so many series in the result; 0 or absent is no limit. A warning tells of what was left out. */
  readonly limit?: number;
  /** "all" counts samples per step too. */
  readonly stats?: "all" | undefined;
  /** Called for each warning of a source when it comes; all warnings are in the result as well. */
  readonly onWarning?: (message: string) => void;
  /** Shared with other queries of the process. */
  readonly byteBudget?: ByteBudget;
  /** True while queries that began later are under way; a long one leaves them half of the time. */
  readonly hasYounger?: () => boolean;
  readonly tenant?: string;
  /** Coarsest downsampled data that is welcome, in ms; 0 or absent is raw only. */
  readonly maxResolutionMs?: number;
  /** Tells in the result what each node of the query took. */
  readonly analyze?: boolean;
  /** Other queriers that may evaluate parts of the query, each over data of its own. */
  readonly remotes?: Remotes | undefined;
}

export interface QueryStats {
  /** Samples looked at, as Prometheus counts them. */
  readonly samplesTotal: number;
  /** Most samples held at once. */
  readonly peakSamples: number;
  /** Samples read, each counted once. */
  readonly samplesRead: number;
  /** For each step, where asked for. */
  readonly samplesPerStep?: Float64Array;
  readonly samplesReadPerStep?: Float64Array;
  readonly seriesRead: number;
  readonly peakBytes: number;
}

export interface QueryResult {
  readonly value: QueryValue;
  /** Each with its place, "PromQL warning: … (1:5)"; those of sources as they came. */
  readonly warnings: string[];
  readonly infos: string[];
  readonly stats: QueryStats;
  /** Where asked for: the tree of what was evaluated. */
  readonly analysis?: NodeStats;
}

/** Evaluates queries. Holds no state of them; one serves all. */
export class Engine {
  readonly #options: EngineOptions;

  constructor(options: Partial<EngineOptions> = {}) {
    const given = { ...engineDefaults, ...options };
    const xFunctions = given.parse.xFunctions || given.enableXFunctions;
    this.#options = { ...given, parse: { ...given.parse, xFunctions } };
  }

  get options(): EngineOptions {
    return this.#options;
  }

  /** The value of an expression at a time (ms). Throws PromqlError. */
  async instant(
    query: string,
    source: SeriesSource,
    timeMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    const expr = parseExpr(query, this.#options.parse);
    const times = { startMs: timeMs, endMs: timeMs, stepMs: 0 };
    return this.#run(query, expr, source, times, true, options);
  }

  /** The values at every step from start to end (ms, inclusive). Throws PromqlError. */
  async range(
    query: string,
    source: SeriesSource,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    const expr = parseExpr(query, this.#options.parse);
    const type = typeOf(expr);
    if (type !== "vector" && type !== "scalar") {
      throw new PromqlError(
        "PROMQL_PARSE",
        `invalid expression type "${typeName(type)}" for range query, must be Scalar or instant Vector`,
      );
    }
    return this.#run(query, expr, source, { startMs, endMs, stepMs }, false, options);
  }

  async #run(
    query: string,
    expr: Expr,
    source: SeriesSource,
    times: QueryTimes,
    instant: boolean,
    options: QueryOptions,
  ): Promise<QueryResult> {
    const plan = this.#planOf(expr, times, options);
    const annotations = new Annotations();
    const stop = new AbortController();
    const limits = this.#limitsOf(options);
    const onAbort = (): void => stop.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", onAbort);
    const timer = limits.startTimer(stop);
    if (options.signal?.aborted === true) onAbort();
    let reads: SharedReads | null = null;
    try {
      const steps = makeSteps(times.startMs, times.endMs, times.stepMs);
      limits.checkSteps(steps.count);
      const analysis = options.analyze === true ? new NodeAnalysis() : null;
      const state = this.#stateOf(source, plan, times, limits, stop.signal, annotations, {
        ...options,
        analysis,
      });
      reads = state.reads;
      const ev = new Evaluation(state, steps, annotations, times.stepMs, state.counter);
      limits.check();
      const value = instant
        ? await instantValue(plan, ev, options.limit ?? 0)
        : await matrixValue(plan, ev, options.limit ?? 0);
      return {
        value,
        warnings: annotations.texts("warning", query),
        infos: annotations.texts("info", query),
        stats: statsOf(state),
        ...(analysis === null ? {} : { analysis: analysis.tree(plan.root) }),
      };
    } catch (error) {
      const failure = asPromqlError(error, limits);
      limits.fail(failure);
      stop.abort(failure);
      throw failure;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      reads?.close();
      limits.close();
    }
  }

  #planOf(expr: Expr, times: QueryTimes, options: QueryOptions): Plan {
    const { remotes } = options;
    if (remotes === undefined) return planQuery(expr, times);
    const { defaultStepMs } = this.#options;
    const { lookbackMs } = this.#evalOptions(options);
    return planQuery(expr, times, { remotes, lookbackMs, defaultStepMs });
  }

  #limitsOf(options: QueryOptions): QueryLimits {
    const { maxSamples, maxBytesPerQuery, timeoutMs } = this.#options;
    return new QueryLimits({
      maxSamples,
      maxBytes: maxBytesPerQuery,
      timeoutMs: options.timeoutMs ?? timeoutMs,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.byteBudget === undefined ? {} : { byteBudget: options.byteBudget }),
      ...(options.hasYounger === undefined ? {} : { hasYounger: options.hasYounger }),
    });
  }

  #stateOf(
    source: SeriesSource,
    plan: Plan,
    times: QueryTimes,
    limits: QueryLimits,
    signal: AbortSignal,
    annotations: Annotations,
    options: QueryOptions & { readonly analysis: NodeAnalysis | null },
  ): QueryState {
    const { defaultStepMs } = this.#options;
    const warn = (message: string): void => {
      annotations.plain(message);
      options.onWarning?.(message);
    };
    const steps = makeSteps(times.startMs, times.endMs, times.stepMs);
    const evalOptions = this.#evalOptions(options);
    const { lookbackMs } = evalOptions;
    const spans = selectorTimes(plan.root, steps.startMs, steps.endMs, {
      lookbackMs,
      defaultStepMs,
    });
    for (const [selector, { histogramStats }] of plan.selectors) {
      // Whether their counters were reset is told by the samples read before.
      if (histogramStats) spans.delete(selector);
    }
    for (const selector of plan.remoteParts.keys()) spans.delete(selector);
    for (const { text } of plan.missing) warn(`store is not reachable: ${text}`);
    const tenant = options.tenant === undefined ? {} : { tenant: options.tenant };
    const context = { signal, warn, ...tenant };
    return {
      reads: new SharedReads(source, context, limits, spans, plan.selectors),
      context,
      limits,
      options: evalOptions,
      selectors: plan.selectors,
      remoteParts: plan.remoteParts,
      types: plan.types,
      stepMs: times.stepMs,
      defaultStepMs,
      maxResolutionMs: options.maxResolutionMs ?? 0,
      rows: new RowPool(),
      counter: new SampleCounter(options.stats === "all" ? steps.count : 0),
      evaluate: options.analysis?.evaluate ?? evaluateNode,
      select: selectRows,
      onRead: options.analysis?.read.bind(options.analysis) ?? null,
    };
  }

  #evalOptions(options: QueryOptions): EvalOptions {
    const { lookbackMs, delayedNameRemoval, useStartTimestamps, typeAndUnitLabels } = this.#options;
    const given = options.lookbackMs ?? 0;
    return {
      lookbackMs: given > 0 ? given : lookbackMs,
      delayedNameRemoval,
      useStartTimestamps,
      typeAndUnitLabels,
    };
  }
}

function statsOf(state: QueryState): QueryStats {
  const { counter, limits } = state;
  return {
    samplesTotal: counter.total,
    peakSamples: limits.peakSamples,
    samplesRead: counter.read,
    ...(counter.perStep === null ? {} : { samplesPerStep: counter.perStep }),
    ...(counter.readPerStep === null ? {} : { samplesReadPerStep: counter.readPerStep }),
    seriesRead: limits.series,
    peakBytes: limits.peakBytes,
  };
}

/** Whatever was thrown as an error of this package. */
function asPromqlError(error: unknown, limits: QueryLimits): Error {
  if (error instanceof PromqlError) return error;
  const stopped = limits.stopReason();
  if (stopped !== null) return stopped;
  if (error instanceof RangeError && /call stack/.test(error.message)) {
    return new PromqlError(
      "PROMQL_EXECUTION",
      "expression is nested too deeply",
      {},
      { cause: error },
    );
  }
  if (
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof RangeError
  ) {
    return error;
  }
  const text = error instanceof Error ? error.message : String(error);
  return new PromqlError("PROMQL_STORAGE", `expanding series: ${text}`, {}, { cause: error });
}
