// What one query may use, and how it is stopped: samples, bytes, time, and the caller's signal.
import { PromqlError } from "./errors.ts";

/** Bytes that several queries share. `take` says whether bytes fit, and takes them only then; negative gives back. */
export interface ByteBudget {
  take(bytes: number): boolean;
  readonly maxBytes: number;
}

export interface LimitOptions {
  /** Samples held at once; 0 is no limit. */
  readonly maxSamples: number;
  /** Bytes held at once by this query; 0 is no limit. */
  readonly maxBytes: number;
  /** Milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Shared with the other queries of the process. */
  readonly byteBudget?: ByteBudget;
  /** True while queries that began later are under way: one that has run for long then leaves them half of the time. */
  readonly hasYounger?: () => boolean;
}

const sliceMs = 5;

/** A query that has run for so long steps back for younger ones. */
const longMs = 100;

/** Steps of one evaluation, whatever the other limits are: work on one row cannot be interrupted. A year of 15 s fits. */
const stepsMax = 2_200_000;

/** Counts what a query holds and stops it. Lives as long as the query; `close` gives shared bytes back. */
export class QueryLimits {
  readonly #options: LimitOptions;
  readonly #deadline: number;
  readonly #begin: number;
  #sliceEnd: number;
  #shared = 0;
  #failure: Error | null = null;
  bytes = 0;
  peakBytes = 0;
  samples = 0;
  peakSamples = 0;
  series = 0;

  constructor(options: LimitOptions) {
    this.#options = options;
    const now = performance.now();
    this.#deadline = options.timeoutMs > 0 ? now + options.timeoutMs : Number.POSITIVE_INFINITY;
    this.#begin = now;
    this.#sliceEnd = now + sliceMs;
  }

  /** Throws if the query was canceled or its time is up. */
  check(): void {
    this.#check(performance.now());
  }

  #check(now: number): void {
    if (this.#failure !== null) throw this.#failure;
    if (now < this.#deadline && this.#options.signal?.aborted !== true) return;
    const reason = this.stopReason(now);
    if (reason !== null) throw reason;
  }

  /** Why the query has to stop, or null. */
  stopReason(now: number = performance.now()): PromqlError | null {
    const { signal, timeoutMs } = this.#options;
    const data = { series: this.series, bytes: this.bytes };
    if (now >= this.#deadline) {
      const text = "query timed out in expression evaluation";
      return new PromqlError("PROMQL_TIMEOUT", text, { ...data, timeoutMs });
    }
    if (signal?.aborted !== true) return null;
    if (signal.reason instanceof PromqlError) return signal.reason;
    return new PromqlError("PROMQL_CANCELED", "query was canceled in expression evaluation", data);
  }

  /** Makes every later check throw: another part of the query has failed. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Aborts `stop` when the time is up, for waits that no loop can end. */
  startTimer(stop: AbortController): ReturnType<typeof setTimeout> | undefined {
    const { timeoutMs } = this.#options;
    if (timeoutMs <= 0 || timeoutMs > 2 ** 31 - 1) return undefined;
    return setTimeout(() => stop.abort(this.stopReason(this.#deadline)), timeoutMs);
  }

  /** Checks, and says whether the thread has been held long enough to let others run (`breathe`). */
  due(): boolean {
    const now = performance.now();
    this.#check(now);
    return now >= this.#sliceEnd;
  }

  /** Lets timers, sockets and other queries run. */
  async breathe(): Promise<void> {
    const long = performance.now() - this.#begin > longMs;
    await (long && this.#options.hasYounger?.() === true ? pause(sliceMs) : nextTurn());
    const now = performance.now();
    this.#sliceEnd = now + sliceMs;
    this.#check(now);
  }

  /** Adds samples held (negative: given up). Throws in Prometheus' words past the limit. */
  holdSamples(count: number): void {
    this.samples += count;
    if (this.samples > this.peakSamples) {
      this.peakSamples = this.samples;
      if (this.#options.maxSamples > 0 && this.samples > this.#options.maxSamples) {
        throw new PromqlError(
          "PROMQL_LIMIT",
          "query processing would load too many samples into memory in query execution",
          {
            limit: "maxSamples",
            max: this.#options.maxSamples,
            samples: this.samples,
            series: this.series,
            bytes: this.bytes,
          },
        );
      }
    }
  }

  /** Adds bytes held (negative: given up). */
  holdBytes(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
    const { maxBytes, byteBudget } = this.#options;
    if (bytes > 0 && maxBytes > 0 && this.bytes > maxBytes) {
      throw this.#overBytes("query", maxBytes);
    }
    if (byteBudget !== undefined) {
      if (!byteBudget.take(bytes) && bytes > 0) {
        throw this.#overBytes("process", byteBudget.maxBytes);
      }
      this.#shared += bytes;
    }
  }

  /** Refuses evaluations over more steps than one row of them may take bytes. */
  checkSteps(count: number): void {
    const { maxBytes } = this.#options;
    const bytes = 9 * count;
    if (maxBytes > 0 && bytes > maxBytes) throw this.#overBytes("query", maxBytes, bytes);
    if (count > stepsMax) {
      throw new PromqlError(
        "PROMQL_LIMIT",
        `query has ${count} steps, more than the limit of ${stepsMax}`,
        {
          limit: "steps",
          steps: count,
        },
      );
    }
  }

  #overBytes(of: "query" | "process", limit: number, wanted = this.bytes): PromqlError {
    const name = of === "query" ? "bytes per query" : "bytes of all queries";
    return new PromqlError(
      "PROMQL_LIMIT",
      `query exceeds the limit of ${limit} ${name}: it read ${this.series} series and held ${wanted} bytes`,
      {
        limit: of === "query" ? "maxBytesPerQuery" : "maxBytes",
        max: limit,
        series: this.series,
        bytes: wanted,
      },
    );
  }

  /** Gives everything back to the shared budget. */
  close(): void {
    this.#options.byteBudget?.take(-this.#shared);
    this.#shared = 0;
  }
}

interface Turns {
  setImmediate?: (run: () => void) => unknown;
  setTimeout: (run: () => void, ms: number) => unknown;
}

/** Resolves after so many milliseconds. */
function pause(ms: number): Promise<void> {
  const turns = globalThis as unknown as Turns;
  return new Promise((resolve) => void turns.setTimeout(resolve, ms));
}

/** Resolves in a later turn of the event loop. */
function nextTurn(): Promise<void> {
  const turns = globalThis as unknown as Turns;
  return new Promise((resolve) => {
    if (turns.setImmediate !== undefined) turns.setImmediate(resolve);
    else turns.setTimeout(resolve, 0);
  });
}
