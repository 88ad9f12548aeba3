// Selectors of one query that need nearly the same times read their source once: those with equal matchers, and, where the
// source can be asked for several lists of matchers, others too.
import {
  Aggregate,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
} from "@deucalion/model";
import type { QueryLimits } from "../../limits.ts";
import type { VectorSelector } from "../../parse/ast.ts";
import type { SelectorPlan } from "../../plan/selector-hints.ts";
import type { TimeSpan } from "../../plan/selector-times.ts";
import { MatcherUnion, metricOf } from "./matcher-union.ts";
import { matchersKey } from "./matchers-key.ts";
import { nearSpans, type SpanGroup } from "./near-spans.ts";
import { aggregatesFor } from "./select.ts";
import { SharedStream } from "./shared-stream.ts";

/** Different selectors are read together if there are so many, each over so short a time: the queries of a group of rules. */
const unitedMin = 3;
const unitedMax = 256;
const unitedMs = 3_600_000;

interface TimedSelector extends TimeSpan {
  readonly selector: VectorSelector;
}

/** Selectors that read together. */
interface Cluster extends TimeSpan {
  readonly readers: number;
  /** Null where all matchers are equal. */
  readonly union: MatcherUnion | null;
  /** One stream for each way to ask for downsampled data. */
  readonly streams: Map<string, SharedStream>;
}

/** The reads of one query. */
export class SharedReads {
  readonly #source: SeriesSource;
  readonly #context: SourceContext;
  readonly #limits: QueryLimits;
  readonly #clusters = new Map<VectorSelector, Cluster>();

  /** `spans` are the times of the selectors that may be read together with others. */
  constructor(
    source: SeriesSource,
    context: SourceContext,
    limits: QueryLimits,
    spans: ReadonlyMap<VectorSelector, TimeSpan>,
    plans: ReadonlyMap<VectorSelector, SelectorPlan>,
  ) {
    this.#source = source;
    this.#context = context;
    this.#limits = limits;
    if (spans.size < 2) return;
    // Replicas of what is read as a counter are merged in another way.
    const kind = (selector: VectorSelector): string =>
      aggregatesFor(plans.get(selector)?.func ?? "").includes(Aggregate.counter) ? "counter" : "";
    const timed = [...spans].map(([selector, span]): TimedSelector => ({ selector, ...span }));
    if (timed.length >= unitedMin) this.#unite(timed, kind);
    const alone = timed.filter(({ selector }) => !this.#clusters.has(selector));
    const key = ({ selector }: TimedSelector) =>
      `${kind(selector)} ${matchersKey(selector.matchers)}`;
    for (const equal of grouped(alone, key)) {
      for (const near of nearSpans(equal, Number.POSITIVE_INFINITY)) this.#share(near, null);
    }
  }

  #unite(timed: readonly TimedSelector[], kind: (selector: VectorSelector) => string): void {
    const hidden = this.#source.info().anyOf;
    if (hidden === undefined) return;
    const fits = ({ selector: { matchers }, minTime, maxTime }: TimedSelector): boolean =>
      maxTime - minTime <= unitedMs &&
      metricOf(matchers) !== null &&
      !matchers.some(({ name }) => hidden.includes(name));
    for (const same of grouped(timed.filter(fits), ({ selector }) => kind(selector))) {
      for (const near of nearSpans(same, unitedMax)) {
        if (near.members.length < unitedMin) continue;
        const union = new MatcherUnion(near.members.map(({ selector }) => selector.matchers));
        if (union.anyOf.length >= unitedMin) this.#share(near, union);
      }
    }
  }

  #share(near: SpanGroup<TimedSelector>, union: MatcherUnion | null): void {
    const readers = near.members.length;
    if (readers < 2) return;
    const { minTime, maxTime } = near;
    const cluster: Cluster = { minTime, maxTime, readers, union, streams: new Map() };
    for (const { selector } of near.members) this.#clusters.set(selector, cluster);
  }

  /** Series of a request, read anew or together with others. Samples may lie outside of the times asked for. */
  series(request: SeriesRequest, selector: VectorSelector | null): AsyncIterable<SeriesBatch> {
    const cluster = selector === null ? undefined : this.#clusters.get(selector);
    const fits =
      cluster !== undefined &&
      request.minTime >= cluster.minTime &&
      request.maxTime <= cluster.maxTime &&
      cluster.union?.has(request.matchers) !== false;
    const stream = fits ? this.#streamOf(cluster, request) : null;
    if (stream === null || !stream.isOpen) return this.#source.series(request, this.#context);
    const union = cluster?.union ?? null;
    return union === null ? stream.read() : union.only(request.matchers, stream.read());
  }

  #streamOf(cluster: Cluster, request: SeriesRequest): SharedStream | null {
    const { maxResolutionMs, aggregates, hints } = request;
    const coarse = (maxResolutionMs ?? 0) > 0;
    if (coarse && cluster.union !== null) return null;
    const key = coarse ? `${maxResolutionMs} ${aggregates?.join()} ${hints?.rangeMs}` : "";
    let stream = cluster.streams.get(key);
    if (stream === undefined) {
      stream = this.#open(cluster, request);
      cluster.streams.set(key, stream);
    }
    return stream;
  }

  #open({ minTime, maxTime, readers, union }: Cluster, request: SeriesRequest): SharedStream {
    // What one reader groups by does not concern the others.
    const hints =
      request.hints === undefined ? {} : { hints: { ...request.hints, by: false, grouping: [] } };
    const which = union === null ? {} : { matchers: union.matchers, anyOf: union.anyOf };
    const together = { ...request, ...hints, ...which, minTime, maxTime };
    const batches = this.#source.series(together, this.#context);
    return new SharedStream(batches[Symbol.asyncIterator](), this.#limits, readers);
  }

  /** Ends what is still being read. */
  close(): void {
    for (const cluster of this.#clusters.values()) {
      for (const stream of cluster.streams.values()) stream.close();
    }
  }
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  return [...groups.values()];
}
