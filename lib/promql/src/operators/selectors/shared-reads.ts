// Selectors of one query with equal matchers and nearly the same times read their source once.
import type { SeriesBatch, SeriesRequest, SeriesSource, SourceContext } from "@deucalion/model";
import type { QueryLimits } from "../../limits.ts";
import type { VectorSelector } from "../../parse/ast.ts";
import type { TimeSpan } from "../../plan/selector-times.ts";
import { matchersKey } from "./matchers-key.ts";

/** Reading and decoding together may cost so much more than apart. */
const wideningMax = 1.25;

/** A stream of batches that several readers go through; a batch is kept until the last of them has had it. */
class SharedStream {
  readonly #iterator: AsyncIterator<SeriesBatch>;
  readonly #limits: QueryLimits;
  readonly #readersMax: number;
  readonly #batches: SeriesBatch[] = [];
  /** Number of the first batch that is still kept. */
  #first = 0;
  /** The next batch of each reader that has begun. */
  readonly #positions: number[] = [];
  #pending: Promise<boolean> | null = null;

  constructor(iterator: AsyncIterator<SeriesBatch>, limits: QueryLimits, readersMax: number) {
    this.#iterator = iterator;
    this.#limits = limits;
    this.#readersMax = readersMax;
  }

  /** Fetches one more batch, once for all who wait; false at the end. */
  #more(): Promise<boolean> {
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #fetch(): Promise<boolean> {
    const next = await this.#iterator.next();
    if (next.done === true) return false;
    this.#limits.holdBytes(bytesOf(next.value));
    this.#batches.push(next.value);
    return true;
  }

  async *read(): AsyncGenerator<SeriesBatch> {
    const reader = this.#positions.push(0) - 1;
    for (;;) {
      const at = this.#positions[reader]! - this.#first;
      if (at < this.#batches.length) {
        const batch = this.#batches[at]!;
        this.#positions[reader]!++;
        this.#forget();
        yield batch;
      } else if (!(await this.#more())) break;
    }
    this.#positions[reader] = Number.POSITIVE_INFINITY;
    this.#forget();
  }

  /** Lets batches go that every reader has had. */
  #forget(): void {
    if (this.#positions.length < this.#readersMax) return;
    const needed = Math.min(...this.#positions);
    while (this.#first < needed && this.#batches.length > 0) {
      this.#limits.holdBytes(-bytesOf(this.#batches.shift()!));
      this.#first++;
    }
  }

  /** Ends the read of the source, wherever it stands. */
  close(): void {
    this.#iterator.return?.().catch(() => undefined);
  }
}

function bytesOf(batch: SeriesBatch): number {
  return batch.chunks === null ? 0 : batch.chunks.bytes;
}

/** Selectors that read together. */
interface Cluster {
  minTime: number;
  maxTime: number;
  readonly readers: number;
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
  ) {
    this.#source = source;
    this.#context = context;
    this.#limits = limits;
    const byMatchers = new Map<string, VectorSelector[]>();
    for (const selector of spans.keys()) {
      const key = matchersKey(selector.matchers);
      const known = byMatchers.get(key);
      if (known === undefined) byMatchers.set(key, [selector]);
      else known.push(selector);
    }
    for (const selectors of byMatchers.values()) {
      if (selectors.length > 1) this.#group(selectors, spans);
    }
  }

  /** Puts selectors together as long as the union of their times is not much more than each alone needs. */
  #group(selectors: VectorSelector[], spans: ReadonlyMap<VectorSelector, TimeSpan>): void {
    const left = selectors
      .map((selector) => ({ selector, ...spans.get(selector)! }))
      .sort((a, b) => a.minTime - b.minTime);
    while (left.length > 1) {
      const taken = [left.shift()!];
      let { minTime, maxTime } = taken[0]!;
      let alone = maxTime - minTime + 1;
      while (left.length > 0) {
        const next = left[0]!;
        const end = Math.max(maxTime, next.maxTime);
        const sum = alone + next.maxTime - next.minTime + 1;
        if ((end - minTime + 1) * (taken.length + 1) > wideningMax * sum) break;
        taken.push(left.shift()!);
        maxTime = end;
        alone = sum;
        minTime = Math.min(minTime, next.minTime);
      }
      if (taken.length < 2) continue;
      const readers = taken.length;
      const cluster: Cluster = { minTime, maxTime, readers, streams: new Map() };
      for (const { selector } of taken) this.#clusters.set(selector, cluster);
    }
  }

  /** Series of a request, read anew or together with others. Samples may lie outside of the times asked for. */
  series(request: SeriesRequest, selector: VectorSelector | null): AsyncIterable<SeriesBatch> {
    const cluster = selector === null ? undefined : this.#clusters.get(selector);
    const fits =
      cluster !== undefined &&
      request.minTime >= cluster.minTime &&
      request.maxTime <= cluster.maxTime;
    if (!fits) return this.#source.series(request, this.#context);
    const { maxResolutionMs, aggregates, hints } = request;
    const coarse = (maxResolutionMs ?? 0) > 0;
    const key = coarse ? `${maxResolutionMs} ${aggregates?.join()} ${hints?.rangeMs}` : "";
    let stream = cluster.streams.get(key);
    if (stream === undefined) {
      stream = this.#open(cluster, request);
      cluster.streams.set(key, stream);
    }
    return stream.read();
  }

  #open(cluster: Cluster, request: SeriesRequest): SharedStream {
    const { minTime, maxTime, readers } = cluster;
    // What one reader groups by does not concern the others.
    const hints =
      request.hints === undefined ? {} : { hints: { ...request.hints, by: false, grouping: [] } };
    const batches = this.#source.series({ ...request, ...hints, minTime, maxTime }, this.#context);
    return new SharedStream(batches[Symbol.asyncIterator](), this.#limits, readers);
  }

  /** Ends what is still being read. */
  close(): void {
    for (const cluster of this.#clusters.values()) {
      for (const stream of cluster.streams.values()) stream.close();
    }
  }
}
