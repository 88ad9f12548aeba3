// Equal selectors of one query read their source once: batches are kept until the last of them has been through.
import type { SeriesBatch, SeriesRequest, SeriesSource, SourceContext } from "@deucalion/model";
import type { QueryLimits } from "../limits.ts";
import type { VectorSelector } from "../parse/ast.ts";
import { matchersKey } from "./matchers-key.ts";

/** A stream of batches that several readers go through, each from its beginning. */
class SharedStream {
  readonly #batches: SeriesBatch[] = [];
  readonly #iterator: AsyncIterator<SeriesBatch>;
  readonly #limits: QueryLimits;
  #pending: Promise<boolean> | null = null;
  #bytes = 0;
  #readers = 0;

  constructor(iterator: AsyncIterator<SeriesBatch>, limits: QueryLimits) {
    this.#iterator = iterator;
    this.#limits = limits;
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
    const bytes = next.value.chunks === null ? 0 : next.value.chunks.bytes;
    this.#bytes += bytes;
    this.#limits.holdBytes(bytes);
    this.#batches.push(next.value);
    return true;
  }

  async *read(): AsyncGenerator<SeriesBatch> {
    this.#readers++;
    let at = 0;
    while (at < this.#batches.length || (await this.#more())) {
      if (at < this.#batches.length) yield this.#batches[at++]!;
    }
    this.#readers--;
  }

  /** Ends the read of the source, wherever it stands. */
  close(): void {
    this.#iterator.return?.().catch(() => undefined);
  }

  get idle(): boolean {
    return this.#readers === 0;
  }

  /** Lets the batches go. */
  free(): void {
    this.#limits.holdBytes(-this.#bytes);
    this.#bytes = 0;
    this.#batches.length = 0;
  }
}

/** The reads of one query. */
export class SharedReads {
  readonly #source: SeriesSource;
  readonly #context: SourceContext;
  readonly #limits: QueryLimits;
  /** How many selectors with the same matchers have still to read. */
  readonly #expected = new Map<string, number>();
  readonly #streams = new Map<string, Map<string, SharedStream>>();

  constructor(
    source: SeriesSource,
    context: SourceContext,
    limits: QueryLimits,
    selectors: Iterable<VectorSelector>,
  ) {
    this.#source = source;
    this.#context = context;
    this.#limits = limits;
    for (const selector of selectors) {
      const key = matchersKey(selector.matchers);
      this.#expected.set(key, (this.#expected.get(key) ?? 0) + 1);
    }
  }

  /** Series of a request, read anew or together with others that ask for the same. */
  async *series(request: SeriesRequest): AsyncGenerator<SeriesBatch> {
    const matchers = matchersKey(request.matchers);
    const expected = this.#expected.get(matchers) ?? 1;
    const streams = this.#streams.get(matchers);
    if (expected < 2 && streams === undefined) {
      yield* this.#source.series(request, this.#context);
      return;
    }
    this.#expected.set(matchers, expected - 1);
    yield* this.#shared(matchers, request).read();
    this.#freeIfLast(matchers);
  }

  #shared(matchers: string, request: SeriesRequest): SharedStream {
    let streams = this.#streams.get(matchers);
    if (streams === undefined) {
      streams = new Map();
      this.#streams.set(matchers, streams);
    }
    const { hints, minTime, maxTime, maxResolutionMs, aggregates } = request;
    const func = (maxResolutionMs ?? 0) > 0 ? aggregates?.join() : "";
    const key = [minTime, maxTime, maxResolutionMs, func, hints?.rangeMs].join();
    let stream = streams.get(key);
    if (stream === undefined) {
      // What one reader groups by does not concern the others.
      const shared =
        hints === undefined ? request : { ...request, hints: { ...hints, ...noGrouping } };
      const batches = this.#source.series(shared, this.#context);
      stream = new SharedStream(batches[Symbol.asyncIterator](), this.#limits);
      streams.set(key, stream);
    }
    return stream;
  }

  /** Ends what is still being read. */
  close(): void {
    for (const streams of this.#streams.values()) {
      for (const stream of streams.values()) stream.close();
    }
  }

  #freeIfLast(matchers: string): void {
    const streams = this.#streams.get(matchers);
    if (streams === undefined || (this.#expected.get(matchers) ?? 0) > 0) return;
    for (const stream of streams.values()) if (!stream.idle) return;
    for (const stream of streams.values()) stream.free();
    this.#streams.delete(matchers);
  }
}

const noGrouping = { by: false, grouping: [] };
