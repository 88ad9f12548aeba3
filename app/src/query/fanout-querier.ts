// The querier over a fan-out: stores in other processes, in this one, or both.
import { messageOf } from "@deucalion/base";
import type { ChunkDecoder, Labels, Matcher, SeriesSource, SourceContext } from "@deucalion/model";
import { type ParseOptions, parseMetricSelector } from "@deucalion/promql";
import {
  type ApiFanout,
  DedupSource,
  dedupExemplars,
  dedupRuleGroups,
  dedupTargets,
  type EndpointStatus,
  ExemplarDataMessage,
  type Fanout,
  type FanoutQuery,
  filterRuleGroups,
  mergeStatistics,
  RuleGroupsMessage,
  RulesRequestType,
  type StoreReport,
  TargetDiscoveryMessage,
  TargetsRequestState,
  type TsdbStatisticsEntry,
  TsdbStatisticsEntryMessage,
} from "@deucalion/storeapi";
import type {
  ColdContext,
  EndpointState,
  Gathered,
  Querier,
  RuleGroupsJson,
  RulesQuery,
  SourceRequest,
  TsdbStatusJson,
} from "./querier.ts";

export interface FanoutQuerierOptions {
  readonly dedupFunc: "fill" | "penalty" | "chain";
  /** Labels that tell replicas of rules, targets and exemplars apart. */
  readonly replicaLabels: readonly string[];
  readonly parse: ParseOptions;
}

export interface FanoutQuerierDeps {
  readonly fanout: Fanout;
  readonly apis: ApiFanout;
  readonly statuses: () => readonly EndpointStatus[];
  /** Which announced label sets count; null keeps all. */
  readonly keepLabelSet: ((labels: Labels) => boolean) | null;
  readonly decode: ChunkDecoder;
  readonly now: () => number;
}

const strategies = { warn: 0, abort: 1 };

/** Runs one of the small APIs and collects its warnings. */
async function gather<T>(
  context: ColdContext,
  ask: (strategy: number, inner: SourceContext) => Promise<T>,
): Promise<Gathered<T>> {
  const warnings = new Set<string>();
  const inner = {
    signal: context.signal,
    warn: (message: string) => void warnings.add(message),
    tenant: context.tenant,
  };
  const strategy = context.partialResponse ? strategies.warn : strategies.abort;
  const data = await ask(strategy, inner);
  return { data, warnings: [...warnings] };
}

function bounded(ms: number): number {
  return Math.max(-(2 ** 63), Math.min(2 ** 63, ms));
}

export class FanoutQuerier implements Querier {
  readonly #options: FanoutQuerierOptions;
  readonly #deps: FanoutQuerierDeps;
  readonly #replicaLabels: readonly string[];

  constructor(options: FanoutQuerierOptions, deps: FanoutQuerierDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#replicaLabels = options.replicaLabels;
  }

  source(request: SourceRequest): SeriesSource {
    const { onStore } = request;
    const query: FanoutQuery = {
      storeMatch: request.storeMatch,
      replicaLabels: request.dedup ? request.replicaLabels : [],
      ...(request.storesWithinMs > 0
        ? { deadline: this.#deps.now() + request.storesWithinMs }
        : {}),
      ...(onStore === undefined
        ? {}
        : {
            onStore: (report: StoreReport) => {
              onStore({
                address: report.address,
                kind: report.kind,
                labelSets: report.labelSets,
                minTime: bounded(report.minTime),
                maxTime: bounded(report.maxTime),
                skipped: report.skipped,
                error: report.error,
                firstMs: report.firstMs,
                ms: report.durationMs,
                bytes: report.bytes,
                responses: report.series,
                series: report.series,
                chunks: report.chunks,
                samples: 0,
              });
            },
          }),
    };
    return new DedupSource(
      this.#deps.fanout.view(query),
      {
        func: request.dedup ? this.#options.dedupFunc : "none",
        replicaLabels: request.replicaLabels,
        maxResolutionMs: request.maxSourceResolutionMs,
      },
      { decode: this.#deps.decode },
    );
  }

  endpoints(): readonly EndpointState[] {
    const keep = this.#deps.keepLabelSet;
    return this.#deps.statuses().flatMap((status): EndpointState[] => {
      const sets = keep === null ? status.labelSets : status.labelSets.filter(keep);
      if (status.labelSets.length > 0 && sets.length === 0) return [];
      return [
        {
          address: status.name,
          component: status.kind,
          listed: status.listed,
          state: status.state === "healthy" ? "up" : status.state === "failing" ? "down" : "never",
          lastCheckMs: status.lastCheck,
          lastError: status.lastError,
          labelSets: sets.map((labels) => labels.toJSON()),
          minTime: bounded(status.minTime),
          maxTime: bounded(status.maxTime),
          strict: status.strict,
          apis: status.apis,
        },
      ];
    });
  }

  #ruleMatchers(text: string): Matcher[] {
    try {
      return parseMetricSelector(text, this.#options.parse);
    } catch (error) {
      throw new Error(`parser ParseMetricSelector: ${messageOf(error)}`, { cause: error });
    }
  }

  async rules(query: RulesQuery, context: ColdContext): Promise<Gathered<RuleGroupsJson>> {
    const type = RulesRequestType.values[query.type.toUpperCase()] ?? 0;
    const matchers = query.matchers.map((text) => this.#ruleMatchers(text));
    const { data, warnings } = await gather(context, (partialResponseStrategy, inner) =>
      this.#deps.apis.rules(
        {
          type,
          partialResponseStrategy,
          matcherString: [...query.matchers],
          ruleName: [...query.ruleNames],
          ruleGroup: [...query.ruleGroups],
          file: [...query.files],
        },
        inner,
      ),
    );
    const { ruleNames, ruleGroups, files } = query;
    const filtered = filterRuleGroups(data, { matchers, ruleNames, ruleGroups, files });
    const groups = dedupRuleGroups(filtered, this.#replicaLabels);
    return { data: RuleGroupsMessage.toJson({ groups }) as RuleGroupsJson, warnings };
  }

  async targets(state: "any" | "active" | "dropped", context: ColdContext) {
    const wanted = TargetsRequestState.values[state.toUpperCase()] ?? 0;
    const { data, warnings } = await gather(context, (partialResponseStrategy, inner) =>
      this.#deps.apis.targets({ state: wanted, partialResponseStrategy }, inner),
    );
    const found = TargetDiscoveryMessage.toJson(dedupTargets(data, this.#replicaLabels));
    return {
      data: found as {
        readonly activeTargets: readonly unknown[];
        readonly droppedTargets: readonly unknown[];
      },
      warnings,
    };
  }

  async metadata(metric: string, limit: number, context: ColdContext) {
    const { data, warnings } = await gather(context, (partialResponseStrategy, inner) =>
      this.#deps.apis.metadata({ metric, limit, partialResponseStrategy }, inner),
    );
    return { data: Object.fromEntries(data), warnings };
  }

  async exemplars(query: string, startMs: number, endMs: number, context: ColdContext) {
    const { data, warnings } = await gather(context, (partialResponseStrategy, inner) =>
      this.#deps.apis.exemplars(
        { query, start: startMs, end: endMs, partialResponseStrategy },
        inner,
      ),
    );
    const merged = dedupExemplars(data, this.#replicaLabels);
    return { data: merged.map((one) => ExemplarDataMessage.toJson(one)), warnings };
  }

  async tsdbStatus(
    matchers: readonly Matcher[],
    limit: number,
    tenant: string,
    context: ColdContext,
  ): Promise<Gathered<TsdbStatusJson | null>> {
    const types = { "=": 0, "!=": 1, "=~": 2, "!~": 3 } as const;
    const { data, warnings } = await gather(context, (partialResponseStrategy, inner) =>
      this.#deps.apis.tsdbStatistics(
        {
          tenant: "",
          limit,
          partialResponseStrategy,
          matchers: matchers.map(({ type, name, value }) => ({ type: types[type], name, value })),
        },
        inner,
      ),
    );
    if (tenant !== "") {
      const own = data.get(tenant);
      return { data: own === undefined ? null : statusJson(own, limit), warnings };
    }
    let all: TsdbStatisticsEntry | null = null;
    for (const entry of data.values()) all = all === null ? entry : mergeStatistics(all, entry);
    return { data: statusJson(all ?? emptyStatistics, limit), warnings };
  }
}

const emptyStatistics: TsdbStatisticsEntry = {
  headStatistics: { numSeries: 0, numLabelPairs: 0, chunkCount: 0, minTime: 0, maxTime: 0 },
  seriesCountByMetricName: [],
  labelValueCountByLabelName: [],
  memoryInBytesByLabelName: [],
  seriesCountByLabelValuePair: [],
};

function statusJson(entry: TsdbStatisticsEntry, limit: number): TsdbStatusJson {
  return TsdbStatisticsEntryMessage.toJson({
    ...entry,
    seriesCountByMetricName: entry.seriesCountByMetricName.slice(0, limit),
    labelValueCountByLabelName: entry.labelValueCountByLabelName.slice(0, limit),
    memoryInBytesByLabelName: entry.memoryInBytesByLabelName.slice(0, limit),
    seriesCountByLabelValuePair: entry.seriesCountByLabelValuePair.slice(0, limit),
  }) as TsdbStatusJson;
}
