// Where the API gets data from: a fan-out over stores, or sources in the same process.
import type { Matcher, SeriesSource, ShardSelector } from "@deucalion/model";

/** How a request wants its series. */
export interface SourceRequest {
  readonly dedup: boolean;
  readonly replicaLabels: readonly string[];
  readonly partialResponse: boolean;
  /** Coarsest resolution that is welcome, in ms; 0 is raw only. */
  readonly maxSourceResolutionMs: number;
  /** Sets of matchers on the stores' `__address__`; one set must match. Empty is every store. */
  readonly storeMatch: readonly (readonly Matcher[])[];
  readonly shard: ShardSelector | null;
  /** Only labels will be asked for. */
  readonly labelsOnly: boolean;
  /** Stores that have not answered after so many ms are given up, with a warning; 0 has no bound. */
  readonly storesWithinMs: number;
  /** Told what each store gave, for `analyze`. */
  readonly onStore?: (stats: StoreStats) => void;
}

/** What one store gave to one select. */
export interface StoreStats {
  readonly address: string;
  readonly kind: string;
  /** External labels as one text. */
  readonly labelSets: string;
  /** Time that the store says it covers, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  /** Why it was not asked; null if it was. */
  readonly skipped: string | null;
  /** What went wrong, or null. */
  readonly error: string | null;
  /** Until something came; null where nothing did. */
  readonly firstMs: number | null;
  readonly ms: number;
  readonly bytes: number;
  readonly responses: number;
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
}

/** One configured endpoint, as the stores page shows it. */
export interface EndpointState {
  readonly address: string;
  /** `query`, `sidecar`, `store`, …, or `unknown-store-api`. */
  readonly component: string;
  /** Whether Thanos would list it: it answered not too long ago, or it is strict. */
  readonly listed: boolean;
  readonly state: "up" | "down" | "never";
  /** Unix ms; 0 for never. */
  readonly lastCheckMs: number;
  readonly lastError: string | null;
  readonly labelSets: readonly Readonly<Record<string, string>>[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly strict: boolean;
  /** Services announced: store, rules, targets, … */
  readonly apis: readonly string[];
}

/** JSON-ready data of a cold API, with warnings. */
export interface Gathered<T> {
  readonly data: T;
  readonly warnings: readonly string[];
}

export interface RulesQuery {
  readonly type: "all" | "alert" | "record";
  readonly matchers: readonly string[];
  readonly ruleNames: readonly string[];
  readonly ruleGroups: readonly string[];
  readonly files: readonly string[];
}

/** Rule groups as JSON; alerts are found in `rules[].alerts`. */
export interface RuleGroupsJson {
  readonly groups: readonly { readonly rules: readonly Readonly<Record<string, unknown>>[] }[];
}

export interface StatisticJson {
  readonly name: string;
  readonly value: number;
}

/** Prometheus' TSDB status. */
export interface TsdbStatusJson {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs: number;
    readonly chunkCount: number;
    readonly minTime: number;
    readonly maxTime: number;
  };
  readonly seriesCountByMetricName: readonly StatisticJson[];
  readonly labelValueCountByLabelName: readonly StatisticJson[];
  readonly memoryInBytesByLabelName: readonly StatisticJson[];
  readonly seriesCountByLabelValuePair: readonly StatisticJson[];
}

/** How the cold APIs are asked. */
export interface ColdContext {
  readonly partialResponse: boolean;
  readonly signal: AbortSignal;
  readonly tenant: string;
}

/** Everything that the querier's API asks of the stores. Errors are shown to the user by their message. */
export interface Querier {
  source(request: SourceRequest): SeriesSource;
  endpoints(): readonly EndpointState[];
  rules(query: RulesQuery, context: ColdContext): Promise<Gathered<RuleGroupsJson>>;
  targets(
    state: "any" | "active" | "dropped",
    context: ColdContext,
  ): Promise<
    Gathered<{
      readonly activeTargets: readonly unknown[];
      readonly droppedTargets: readonly unknown[];
    }>
  >;
  /** `limit` −1 is none; `metric` "" is all. */
  metadata(
    metric: string,
    limit: number,
    context: ColdContext,
  ): Promise<Gathered<Readonly<Record<string, readonly unknown[]>>>>;
  exemplars(
    query: string,
    startMs: number,
    endMs: number,
    context: ColdContext,
  ): Promise<Gathered<readonly unknown[]>>;
  /** `null` where the tenant is not known. */
  tsdbStatus(
    matchers: readonly Matcher[],
    limit: number,
    tenant: string,
    context: ColdContext,
  ): Promise<Gathered<TsdbStatusJson | null>>;
}
