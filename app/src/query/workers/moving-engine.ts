// An engine whose big queries move to a thread: they begin here, and what they have read goes along.
import type { SeriesBatch, SeriesSource } from "@deucalion/model";
import { type Engine, PromqlError, type QueryOptions, type QueryResult } from "@deucalion/promql";
import { type DedupOptions, DedupSource } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { RequestSource, type RequestSourceParts } from "../request-source.ts";
import type { QueryKind } from "./messages.ts";
import { packBatch } from "./pack-batch.ts";
import { plainError, seriesRequest } from "./plain.ts";
import { type Tap, type TapLimits, TappedSource } from "./tapped-source.ts";
import type { Handed, RunHandler, WorkerPool } from "./worker-pool.ts";

/** Below these a query takes some milliseconds: handing it over would take as long. */
export const moveLimitsDefault: TapLimits = { bytes: 2 << 20, series: 5000 };

/** Batches of a select on their way to a thread. */
const batchesAhead = 4;

/** So often must an old query have stepped aside before it moves: it is busy, not waiting. */
const turnsMax = 8;

/** Ends what nobody reads any more; one for all, since a stack costs more than a small query's selects. */
const ended = new PromqlError("PROMQL_CANCELED", "the query has ended");

interface Parts {
  readonly outer: RequestSourceParts;
  readonly source: SeriesSource;
  readonly dedup: DedupOptions;
}

/** Null for a source that is not known to be one of encoded series. */
function partsOf(source: SeriesSource): Parts | null {
  if (!(source instanceof RequestSource)) return null;
  const outer = source.parts;
  if (!(outer.source instanceof DedupSource)) return null;
  return { outer, source: outer.source.inner, dedup: outer.source.options };
}

/** Sends the batches of one select as fast as they are used. */
class Feed {
  readonly #tap: Tap;
  readonly #send: (batch: SeriesBatch) => void;
  #room = batchesAhead;
  #sending = false;
  #closed = false;

  constructor(tap: Tap, send: (batch: SeriesBatch) => void) {
    this.#tap = tap;
    this.#send = send;
  }

  used(): void {
    this.#room++;
  }

  /** Sends until there is no room. Resolves with true at the end of the select. Throws what the source throws. */
  async pump(): Promise<boolean> {
    if (this.#sending || this.#closed) return false;
    this.#sending = true;
    try {
      while (this.#room > 0 && !this.#closed) {
        const batch = await this.#tap.next();
        if (batch === null) return true;
        this.#room--;
        this.#send(batch);
        batch.release?.();
      }
      return false;
    } finally {
      this.#sending = false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#tap.close();
  }
}

/** A query in a thread, as the main thread serves it. */
class HandedQuery implements RunHandler {
  readonly #id: number;
  readonly #handed: Handed;
  readonly #taps: TappedSource;
  readonly #parts: Parts;
  readonly #options: QueryOptions;
  readonly #signal: AbortSignal;
  readonly #feeds = new Map<number, Feed>();
  #bytes = 0;

  constructor(
    id: number,
    handed: Handed,
    given: {
      readonly taps: TappedSource;
      readonly parts: Parts;
      readonly options: QueryOptions;
      readonly signal: AbortSignal;
    },
  ) {
    this.#id = id;
    this.#handed = handed;
    this.#taps = given.taps;
    this.#parts = given.parts;
    this.#options = given.options;
    this.#signal = given.signal;
  }

  onSelect({ select, request }: Parameters<RunHandler["onSelect"]>[0]): void {
    const id = this.#id;
    const { post } = this.#handed;
    const { tenant } = this.#options;
    const tap = this.#taps.take(seriesRequest(request), {
      signal: this.#signal,
      warn: (text) => post({ type: "warn", id, select, text }),
      ...(tenant === undefined ? {} : { tenant }),
    });
    const feed = new Feed(tap, (batch) => {
      const packed = packBatch(batch.chunks!);
      post({ type: "batch", id, select, batch: packed }, [packed.memory]);
    });
    this.#feeds.set(select, feed);
    this.#pump(select, feed);
  }

  #pump(select: number, feed: Feed): void {
    const { post } = this.#handed;
    const id = this.#id;
    feed.pump().then(
      (ended) => {
        if (!ended) return;
        this.#feeds.delete(select);
        post({ type: "end", id, select, error: null });
      },
      (error: unknown) => {
        this.#feeds.delete(select);
        post({ type: "end", id, select, error: plainError(error) });
      },
    );
  }

  onNext(select: number): void {
    const feed = this.#feeds.get(select);
    if (feed === undefined) return;
    feed.used();
    this.#pump(select, feed);
  }

  onClose(select: number): void {
    // How a select ends that nobody reads concerns nobody.
    this.#feeds
      .get(select)
      ?.close()
      .catch(() => undefined);
    this.#feeds.delete(select);
  }

  onProgress(bytes: number, series: number): void {
    this.#parts.outer.count(series);
    this.#bytes += bytes;
    const { byteBudget } = this.#options;
    if (byteBudget === undefined || bytes === 0) return;
    if (!byteBudget.take(bytes)) {
      this.#bytes -= bytes;
      this.#handed.post({ type: "over", id: this.#id });
    }
  }

  /** Gives back what the thread held, and ends selects that it left open. */
  async close(): Promise<void> {
    this.#options.byteBudget?.take(-this.#bytes);
    const open = [...this.#feeds.values()];
    this.#feeds.clear();
    await Promise.allSettled(open.map((feed) => feed.close()));
  }
}

/** Evaluates queries here, or in a thread of the pool once they turn out to be big. */
export class MovingEngine implements Pick<Engine, "instant" | "range"> {
  readonly #engine: Engine;
  readonly #pool: WorkerPool;
  readonly #limits: TapLimits;

  constructor(engine: Engine, pool: WorkerPool, limits: TapLimits = moveLimitsDefault) {
    this.#engine = engine;
    this.#pool = pool;
    this.#limits = limits;
  }

  instant(
    query: string,
    source: SeriesSource,
    timeMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    return this.#run(query, source, { kind: "instant", timeMs }, options);
  }

  range(
    query: string,
    source: SeriesSource,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    return this.#run(query, source, { kind: "range", startMs, endMs, stepMs }, options);
  }

  #here(query: string, source: SeriesSource, times: QueryKind, options: QueryOptions) {
    return times.kind === "instant"
      ? this.#engine.instant(query, source, times.timeMs, options)
      : this.#engine.range(query, source, times.startMs, times.endMs, times.stepMs, options);
  }

  async #run(
    query: string,
    source: SeriesSource,
    times: QueryKind,
    options: QueryOptions,
  ): Promise<QueryResult> {
    const parts = this.#pool.size === 0 ? null : partsOf(source);
    if (parts === null) return this.#here(query, source, times, options);
    const begun = performance.now();
    const selects = new AbortController();
    const onAbort = (): void => selects.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", onAbort);
    if (options.signal?.aborted === true) onAbort();
    const taps = new TappedSource(parts.source, this.#limits, selects.signal);
    try {
      const result = await this.#first(query, taps, parts, times, options);
      if (result !== null) return result;
      const spent = performance.now() - begun;
      return await this.#inThread(query, taps, parts, times, options, spent, selects.signal);
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
      selects.abort(ended);
      await taps.close();
    }
  }

  /** Null if the query has to move. */
  async #first(
    query: string,
    taps: TappedSource,
    parts: Parts,
    times: QueryKind,
    options: QueryOptions,
  ): Promise<QueryResult | null> {
    const { outer, dedup } = parts;
    let series = 0;
    let turns = 0;
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", onAbort);
    if (options.signal?.aborted === true) onAbort();
    const counted = (count: number): void => {
      series += count;
      outer.count(count);
    };
    const tapped = new RequestSource(
      new DedupSource(taps, dedup, { decode: decodeChunkInto }),
      outer.rules,
      counted,
      outer.selects,
    );
    try {
      return await this.#here(query, tapped, times, {
        ...options,
        signal: stop.signal,
        // Asked whenever a query of a tenth of a second lets others run.
        hasYounger: () => {
          if (++turns > turnsMax && taps.move()) stop.abort(new Error("moved"));
          return options.hasYounger?.() ?? false;
        },
      });
    } catch (error) {
      if (!taps.moved || options.signal?.aborted === true) throw error;
      outer.count(-series);
      return null;
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  async #inThread(
    query: string,
    taps: TappedSource,
    parts: Parts,
    times: QueryKind,
    options: QueryOptions,
    spentMs: number,
    signal: AbortSignal,
  ): Promise<QueryResult> {
    const { signal: _, byteBudget, onWarning: __, hasYounger: ___, timeoutMs, ...plain } = options;
    const { labelSets, minTime, maxTime } = parts.source.info();
    const left =
      timeoutMs === undefined || timeoutMs <= 0
        ? {}
        : { timeoutMs: Math.max(1, timeoutMs - spentMs) };
    let served: HandedQuery | null = null;
    const handed = this.#pool.run(
      {
        query,
        times,
        options: { ...plain, ...left },
        rules: parts.outer.rules,
        dedup: parts.dedup,
        info: { labelSets: labelSets.map(({ pairs }) => pairs), minTime, maxTime },
        maxBytes: byteBudget?.maxBytes ?? null,
      },
      (given, id) => {
        served = new HandedQuery(id, given, { taps, parts, options, signal });
        const onAbort = (): void =>
          given.post({ type: "stop", id, error: plainError(stopError(signal.reason)) });
        signal.addEventListener("abort", onAbort, { once: true });
        return served;
      },
    );
    try {
      return await handed.result;
    } finally {
      await (served as HandedQuery | null)?.close();
    }
  }
}

function stopError(reason: unknown): PromqlError {
  if (reason instanceof PromqlError) return reason;
  return new PromqlError("PROMQL_CANCELED", "query was canceled in expression evaluation");
}
