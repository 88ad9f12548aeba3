// Series held in memory as a source for queries: for tests, and for tools that make their own data.
import { encodeLabels, type LabelBytes } from "../label-bytes.ts";
import { compareLabels, compareStrings, type Labels } from "../labels.ts";
import type { Matcher } from "../matcher.ts";
import type { SampleColumns } from "../sample-columns.ts";
import type {
  LabelRequest,
  SeriesBatch,
  SeriesRequest,
  SeriesSource,
  SourceContext,
  SourceInfo,
} from "../series-source.ts";

/** One series; `samples` ascend in time and are not written to while a source holds them. */
export interface MemorySeries {
  readonly labels: Labels;
  readonly samples: SampleColumns;
}

export interface MemorySourceOptions {
  /** Series in a batch; small numbers show mistakes at the borders of batches. */
  readonly batchSeriesMax: number;
  /** As `SourceInfo.anyOf`; absent by default. */
  readonly anyOf?: readonly string[];
}

export const memorySourceDefaults: MemorySourceOptions = { batchSeriesMax: 64 };

/** Serves series from memory. Equal label sets may occur more than once, as with replicas. */
export class MemorySource implements SeriesSource {
  readonly #series: readonly MemorySeries[];
  readonly #options: MemorySourceOptions;

  constructor(series: Iterable<MemorySeries>, options: MemorySourceOptions = memorySourceDefaults) {
    this.#series = [...series].sort((a, b) => compareLabels(a.labels, b.labels));
    this.#options = options;
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncGenerator<SeriesBatch> {
    const dropped = new Set(request.withoutReplicaLabels ?? []);
    let found = this.#select(request);
    if (dropped.size > 0) {
      found = found.map(({ labels, samples }) => ({ labels: labels.drop(dropped), samples }));
      found.sort((a, b) => compareLabels(a.labels, b.labels));
    }
    const { shard, limit } = request;
    if (shard !== undefined && shard.total > 1)
      found = found.filter(({ labels }) => hashText(labels.key) % shard.total === shard.index);
    if (limit !== undefined && limit > 0) found = found.slice(0, limit);
    for (let at = 0; at < found.length; at += this.#options.batchSeriesMax) {
      context.signal.throwIfAborted();
      yield new MemoryBatch(
        found.slice(at, at + this.#options.batchSeriesMax),
        request.skipChunks === true,
      );
    }
  }

  async labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    context.signal.throwIfAborted();
    const names = new Set<string>();
    for (const { labels } of this.#select(request)) for (const [name] of labels) names.add(name);
    for (const name of request.withoutReplicaLabels ?? []) names.delete(name);
    return limited([...names].sort(compareStrings), request.limit);
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
  ): Promise<string[]> {
    context.signal.throwIfAborted();
    if (request.withoutReplicaLabels?.includes(name) === true) return [];
    const values = new Set(this.#select(request).map(({ labels }) => labels.get(name)));
    values.delete("");
    return limited([...values].sort(compareStrings), request.limit);
  }

  info(): SourceInfo {
    let minTime = Number.MAX_SAFE_INTEGER;
    let maxTime = Number.MIN_SAFE_INTEGER;
    for (const { samples } of this.#series) {
      if (samples.count === 0) continue;
      minTime = Math.min(minTime, samples.times[0]!);
      maxTime = Math.max(maxTime, samples.times[samples.count - 1]!);
    }
    const { anyOf } = this.#options;
    return { labelSets: [], minTime, maxTime, ...(anyOf === undefined ? {} : { anyOf }) };
  }

  #select(request: {
    minTime: number;
    maxTime: number;
    matchers: readonly Matcher[];
    anyOf?: readonly (readonly Matcher[])[];
  }): MemorySeries[] {
    const { minTime, maxTime, matchers, anyOf } = request;
    const all = (labels: Labels, list: readonly Matcher[]): boolean =>
      list.every((matcher) => matcher.matches(labels.get(matcher.name)));
    return this.#series.filter(
      ({ labels, samples }) =>
        samples.count > 0 &&
        samples.times[0]! <= maxTime &&
        samples.times[samples.count - 1]! >= minTime &&
        all(labels, matchers) &&
        (anyOf === undefined || anyOf.some((list) => all(labels, list))),
    );
  }
}

class MemoryBatch implements SeriesBatch {
  readonly #series: readonly MemorySeries[];
  readonly #empty: boolean;
  readonly chunks = null;

  constructor(series: readonly MemorySeries[], empty: boolean) {
    this.#series = series;
    this.#empty = empty;
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  labels(series: number): LabelBytes {
    return encodeLabels(this.#series[series]!.labels);
  }

  samplesInto(series: number, out: SampleColumns): void {
    if (this.#empty) return;
    const { samples } = this.#series[series]!;
    for (let i = 0; i < samples.count; i++) out.pushFrom(samples, i);
  }
}

function limited(list: string[], limit: number | undefined): string[] {
  return limit === undefined || limit <= 0 ? list : list.slice(0, limit);
}

/** FNV-1a over UTF-16 units: any fixed hash does for sharding in memory. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
