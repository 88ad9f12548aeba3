// One source of series over many stores: asks those that can have something, merges what they send.

import type { Xxhash64 } from "@deucalion/kernels";
import {
  type ChunkDecoder,
  type LabelRequest,
  Labels,
  type Matcher,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type ShardSelector,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import { StoreApiError } from "../errors.ts";
import { int64Max, int64Min } from "../messages/info-messages.ts";
import { failureText, withinTime } from "./bounded-call.ts";
import { labelSetsText, matchExternalLabels, matchersForLabelSets } from "./external-labels.ts";
import { lostStores } from "./lost-stores.ts";
import { mergeStreams } from "./merge-streams.ts";
import { pickSeries } from "./pick-series.ts";
import { type PruneResult, pruneStores } from "./prune-stores.ts";
import { withoutLabels } from "./resort.ts";
import { ShardMatcher } from "./shard-matcher.ts";
import { type StoreEndpoint, type StoreReport, storeFacts, storeText } from "./store-endpoint.ts";
import { type ChangeStream, StoreStream, type StoreStreamOptions } from "./store-stream.ts";
import { unionSorted } from "./union-sorted.ts";

export interface FanoutOptions {
  /** `--selector-label`: labels that all series of this querier have; matchers are checked against them. */
  readonly selectorLabels: Labels;
  /** `--selector.relabel-config` for announced label sets; null keeps all. */
  readonly keepLabelSet: ((labels: Labels) => boolean) | null;
  /** `--store.response-timeout`: give up on a store after this long without a frame; 0 never. */
  readonly storeTimeoutMs: number;
  /** `eager` reads ahead up to `bufferBytesMax` of each store, `lazy` up to `bufferBatchesMax` batches. */
  readonly strategy: "eager" | "lazy";
  readonly bufferBytesMax: number;
  readonly bufferBatchesMax: number;
  /** Series in a batch of the result. */
  readonly batchSeries: number;
  /** False hands equal series of different stores on one by one. */
  readonly joinEqual: boolean;
  /** Labels that tell replicas apart, for queries that do not name theirs. */
  readonly replicaLabels: readonly string[];
}

export const fanoutDefaults: FanoutOptions = {
  selectorLabels: Labels.empty,
  keepLabelSet: null,
  storeTimeoutMs: 30_000,
  strategy: "eager",
  bufferBytesMax: 8 << 20,
  bufferBatchesMax: 20,
  batchSeries: 512,
  joinEqual: true,
  replicaLabels: [],
};

export interface FanoutDeps {
  /** All configured stores, those that cannot be reached too. */
  readonly stores: () => readonly StoreEndpoint[];
  readonly decode: ChunkDecoder;
  readonly hash: Xxhash64;
  /** Told when a store's stream held no series at all (thanos_proxy_store_empty_stream_responses_total). */
  readonly onEmptyStream?: () => void;
}

/** What one query wants of the fan-out beyond the request itself. */
export interface FanoutQuery {
  /** Only stores whose `__address__` one of these accepts. */
  readonly storeMatch?: readonly (readonly Matcher[])[];
  /** Milliseconds since the epoch: stores that have not finished by then are given up with a warning. */
  readonly deadline?: number;
  /** Labels whose values do not matter to the query: a replica makes up for a store that is not there. */
  readonly replicaLabels?: readonly string[];
  /** Called once for each store when a select ends. */
  readonly onStore?: (report: StoreReport) => void;
}

export class Fanout implements SeriesSource {
  readonly #options: FanoutOptions;
  readonly #deps: FanoutDeps;

  constructor(options: Partial<FanoutOptions>, deps: FanoutDeps) {
    this.#options = { ...fanoutDefaults, ...options };
    this.#deps = deps;
  }

  /** The same fan-out with the wishes of one query. */
  view(query: FanoutQuery): SeriesSource {
    return {
      series: (request, context) => this.#series(request, context, query),
      labelNames: (request, context) => this.#labelNames(request, context, query),
      labelValues: (name, request, context) => this.#labelValues(name, request, context, query),
      info: () => this.info(),
    };
  }

  series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    return this.#series(request, context, {});
  }

  labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#labelNames(request, context, {});
  }

  labelValues(name: string, request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#labelValues(name, request, context, {});
  }

  /** Label sets of all stores with the selector labels added, and the time that they cover together. */
  info(): SourceInfo {
    const keep = this.#options.keepLabelSet;
    const selector = this.#options.selectorLabels;
    const sets = new Map<string, Labels>();
    let minTime = int64Max;
    let maxTime = int64Min;
    let count = 0;
    const hidden = new Set<string>();
    // Matchers of alternatives are not compared with the selector labels.
    let anyOf = selector.size === 0;
    for (const store of this.#deps.stores()) {
      if (store.unreachable !== null) continue;
      const info = store.source.info();
      const kept = keep === null ? info.labelSets : info.labelSets.filter(keep);
      if (keep !== null && kept.length === 0) continue;
      count++;
      if (info.anyOf === undefined) anyOf = false;
      else for (const name of info.anyOf) hidden.add(name);
      minTime = Math.min(minTime, info.minTime);
      maxTime = Math.max(maxTime, info.maxTime);
      for (const set of kept) {
        const merged = selector.size === 0 ? set : Labels.from([...set, ...selector]);
        sets.set(merged.key, merged);
      }
    }
    if (count === 0) [minTime, maxTime] = [int64Min, int64Max];
    if (sets.size === 0 && selector.size > 0) sets.set(selector.key, selector);
    const extra = anyOf && count > 0 ? { anyOf: [...hidden] } : {};
    return { labelSets: [...sets.values()], minTime, maxTime, ...extra };
  }

  /** Prunes, and says what is missing. Null if the selector labels rule everything out. */
  #plan(
    request: {
      minTime: number;
      maxTime: number;
      matchers: readonly Matcher[];
      partialResponse?: "warn" | "abort";
    },
    context: SourceContext,
    query: FanoutQuery,
    needMatchers: boolean,
  ): (PruneResult & { matchers: readonly Matcher[] }) | null {
    const external = matchExternalLabels(request.matchers, this.#options.selectorLabels);
    if (!external.matches) return null;
    if (needMatchers && external.rest.length === 0) {
      throw new StoreApiError(
        "STOREAPI_INVALID",
        "no matchers specified (excluding selector labels)",
      );
    }
    const stores = this.#deps.stores();
    const abort = request.partialResponse === "abort";
    if (stores.length === 0 && abort && needMatchers) {
      throw new StoreApiError("STOREAPI_NO_STORES", "No StoreAPIs available");
    }
    const plan = pruneStores(stores, {
      minTime: request.minTime,
      maxTime: request.maxTime,
      matchers: external.rest,
      storeMatch: query.storeMatch ?? [],
      keepLabelSet: this.#options.keepLabelSet,
    });
    const replicas = query.replicaLabels ?? this.#options.replicaLabels;
    const holes = abort
      ? lostStores(plan.unreachable, plan.asked, request, replicas)
      : plan.unreachable;
    tellMissing(stores, holes, abort, context);
    for (const { store, reason } of plan.skipped) report(query, store, reason);
    for (const store of plan.unreachable)
      report(query, store, `not reachable: ${store.unreachable}`);
    return { ...plan, matchers: [...external.rest, ...matchersForLabelSets(plan.keptLabelSets)] };
  }

  async *#series(
    request: SeriesRequest,
    context: SourceContext,
    query: FanoutQuery,
  ): AsyncGenerator<SeriesBatch> {
    context.signal.throwIfAborted();
    const plan = this.#plan(request, context, query, true);
    if (plan === null || plan.asked.length === 0) return;
    const asked: SeriesRequest = { ...request, matchers: plan.matchers };
    const abort = request.partialResponse === "abort";
    let failure: StoreApiError | null = null;
    const streams: StoreStream[] = [];
    const warn = (message: string): void => {
      if (!abort) {
        context.warn(message);
        return;
      }
      failure ??= new StoreApiError("STOREAPI_ABORTED", message);
      for (const stream of streams) stream.close(failure);
    };
    const settings = this.#streamOptions(query);
    for (const store of plan.asked) {
      const { sent, change } = this.#split(store, asked);
      const open = (signal: AbortSignal) => store.source.series(sent, { ...context, signal, warn });
      streams.push(new StoreStream(store, open, change, settings, context.signal, warn));
    }
    try {
      const merge = {
        batchSeries: this.#options.batchSeries,
        limit: request.limit ?? 0,
        joinEqual: this.#options.joinEqual,
      };
      for await (const batch of mergeStreams(streams, this.#deps.decode, merge)) {
        if (failure !== null) throw failure as StoreApiError;
        context.signal.throwIfAborted();
        yield batch;
      }
      if (failure !== null) throw failure as StoreApiError;
      context.signal.throwIfAborted();
    } finally {
      for (const stream of streams) {
        const made = stream.report();
        if (made.series === 0 && made.error === null) this.#deps.onEmptyStream?.();
        query.onStore?.(made);
        stream.close();
      }
    }
  }

  #streamOptions(query: FanoutQuery): StoreStreamOptions {
    const lazy = this.#options.strategy === "lazy";
    return {
      frameTimeoutMs: this.#options.storeTimeoutMs,
      deadline: query.deadline ?? Number.POSITIVE_INFINITY,
      batchesMax: lazy ? this.#options.bufferBatchesMax : Number.POSITIVE_INFINITY,
      bytesMax: this.#options.bufferBytesMax,
    };
  }

  /** What a store is sent, and what is done here because it cannot do it itself. */
  #split(
    store: StoreEndpoint,
    request: SeriesRequest,
  ): { sent: SeriesRequest; change: ChangeStream } {
    const names = request.withoutReplicaLabels ?? [];
    const strip = names.length > 0 && !store.supportsWithoutReplicaLabels;
    const shard = store.supportsSharding ? undefined : request.shard;
    let sent: SeriesRequest = request;
    if (strip) sent = { ...sent, withoutReplicaLabels: [] };
    if (shard !== undefined) {
      const { shard: _, ...rest } = sent;
      sent = rest;
    }
    // A store that is asked for more than the limit would cut off series that count after stripping or sharding.
    if ((strip || shard !== undefined) && sent.limit !== undefined) sent = { ...sent, limit: 0 };
    const change: ChangeStream = (batches) => {
      const stripped = strip ? withoutLabels(batches, names, this.#deps.decode) : batches;
      return shard === undefined ? stripped : onlyShard(stripped, shard, this.#deps);
    };
    return { sent, change };
  }

  async #labelNames(
    request: LabelRequest,
    context: SourceContext,
    query: FanoutQuery,
  ): Promise<string[]> {
    const { limit: _, ...asked } = request; // a store's cut would depend on what it has
    return this.#labels("names", request, context, query, (source, matchers, inner) =>
      source.labelNames({ ...asked, matchers }, inner),
    );
  }

  async #labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
    query: FanoutQuery,
  ): Promise<string[]> {
    if (name === "") {
      throw new StoreApiError("STOREAPI_INVALID", "label name parameter cannot be empty");
    }
    return this.#labels("values", request, context, query, (source, matchers, inner) =>
      source.labelValues(name, { ...request, matchers }, inner),
    );
  }

  async #labels(
    what: "names" | "values",
    request: LabelRequest,
    context: SourceContext,
    query: FanoutQuery,
    ask: (
      source: SeriesSource,
      matchers: readonly Matcher[],
      context: SourceContext,
    ) => Promise<string[]>,
  ): Promise<string[]> {
    const plan = this.#plan(request, context, query, false);
    if (plan === null) return [];
    const abort = request.partialResponse === "abort";
    const lists: string[][] = [];
    const one = async (store: StoreEndpoint): Promise<void> => {
      try {
        const bounds = {
          timeoutMs: this.#options.storeTimeoutMs,
          deadline: query.deadline ?? Number.POSITIVE_INFINITY,
          name: () => storeText(store),
        };
        const texts = await withinTime(context, bounds, (inner) =>
          ask(store.source, plan.matchers, inner),
        );
        lists.push(texts);
      } catch (error) {
        context.signal.throwIfAborted();
        const text = failureText(`fetch label ${what} from store`, storeText(store), error);
        if (abort) throw new StoreApiError("STOREAPI_ABORTED", text, {}, { cause: error });
        context.warn(text);
      }
    };
    await Promise.all(plan.asked.map(one));
    const sorted = unionSorted(lists);
    const limit = request.limit ?? 0;
    return limit > 0 ? sorted.slice(0, limit) : sorted;
  }
}

function report(query: FanoutQuery, store: StoreEndpoint, skipped: string): void {
  query.onStore?.({
    ...storeFacts(store),
    skipped,
    series: 0,
    chunks: 0,
    bytes: 0,
    firstMs: null,
    durationMs: 0,
    error: null,
  });
}

/**
 * Stores that are not reachable become warnings; an error if there is no other store and partial answers are unwanted. Where there
 * are others, Thanos answers without them and a word even then: ours says so, and a querier above that wants the whole refuses it.
 */
function tellMissing(
  stores: readonly StoreEndpoint[],
  holes: readonly StoreEndpoint[],
  abort: boolean,
  context: SourceContext,
): void {
  if (holes.length === 0) return;
  if (stores.some((store) => store.unreachable === null)) {
    for (const store of holes) context.warn(`store is not reachable: ${missingText(store)}`);
    return;
  }
  const text = `no StoreAPI is reachable: ${holes.map(missingText).join("; ")}`;
  if (abort) throw new StoreApiError("STOREAPI_ABORTED", text);
  context.warn(text);
}

function missingText(store: StoreEndpoint): string {
  const { labelSets } = store.source.info();
  const labels = labelSets.length === 0 ? "" : ` ${labelSetsText(labelSets)}`;
  return `${store.address}${labels} (${store.unreachable})`;
}

/** Keeps the series of one shard. */
async function* onlyShard(
  batches: AsyncIterable<SeriesBatch>,
  shard: ShardSelector,
  deps: FanoutDeps,
): AsyncGenerator<SeriesBatch> {
  const matcher = new ShardMatcher(shard, deps.hash);
  for await (const batch of batches) {
    const kept: number[] = [];
    for (let i = 0; i < batch.seriesCount; i++) if (matcher.matches(batch.labels(i))) kept.push(i);
    if (kept.length === batch.seriesCount) yield batch;
    else if (kept.length > 0) yield pickSeries(batch, kept, deps.decode);
  }
}
