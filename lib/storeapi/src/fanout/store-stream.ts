// The stream of one store within a fan-out: reads ahead into a bounded buffer, gives up when nothing comes.
import { formatGoDuration } from "@deucalion/base";
import type { LabelBytes, SeriesBatch } from "@deucalion/model";
import { StoreApiError } from "../errors.ts";
import { failureText } from "./bounded-call.ts";
import { type StoreEndpoint, type StoreReport, storeFacts, storeText } from "./store-endpoint.ts";

export interface StoreStreamOptions {
  /** Give up after so long without a batch; 0 waits for ever. */
  readonly frameTimeoutMs: number;
  /** Give up at this time (ms since the epoch), whatever has come. */
  readonly deadline: number;
  /** Batches and bytes that wait to be merged. */
  readonly batchesMax: number;
  readonly bytesMax: number;
}

/** A way to start the store's stream; the signal stops it. */
export type OpenStream = (signal: AbortSignal) => AsyncIterable<SeriesBatch>;

/** What is done to the store's batches before they are merged. */
export type ChangeStream = (batches: AsyncIterable<SeriesBatch>) => AsyncIterable<SeriesBatch>;

const closed = new Error("the stream was closed");

/**
 * Its head is one series: `batch`, `index`, and the labels `data`, `start`, `end`. `advance` moves on, at once if it
 * can. An error ends the stream and is told to `fail`; what came before it stays valid.
 */
export class StoreStream implements LabelBytes {
  readonly store: StoreEndpoint;
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  batch: SeriesBatch | null = null;
  index = 0;
  done = false;
  readonly #options: StoreStreamOptions;
  readonly #fail: (message: string) => void;
  readonly #aborter = new AbortController();
  readonly #started = performance.now();
  #queue: SeriesBatch[] = [];
  #queuedBytes = 0;
  #ended = false;
  #closed = false;
  #wakeReader: (() => void) | null = null;
  #wakePump: (() => void) | null = null;
  #series = 0;
  #chunks = 0;
  #bytes = 0;
  #firstMs: number | null = null;
  #durationMs = 0;
  #error: string | null = null;

  constructor(
    store: StoreEndpoint,
    open: OpenStream,
    change: ChangeStream,
    options: StoreStreamOptions,
    signal: AbortSignal,
    fail: (message: string) => void,
  ) {
    this.store = store;
    this.#options = options;
    this.#fail = fail;
    const stop = (): void => this.close(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    void this.#pump(open, change).finally(() => signal.removeEventListener("abort", stop));
  }

  async #pump(open: OpenStream, change: ChangeStream): Promise<void> {
    try {
      for await (const batch of change(this.#frames(open))) {
        if (this.#closed) break;
        this.#put(batch);
        while (!this.#closed && this.#full()) {
          await new Promise<void>((resolve) => {
            this.#wakePump = resolve;
          });
        }
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#ended = true;
      this.#durationMs = performance.now() - this.#started;
      this.#wakeReader?.();
    }
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    this.#error = failureText("receive series from", storeText(this.store), error);
    this.#aborter.abort(error);
    this.#fail(this.#error);
  }

  /** What the store sends, counted. Ends where the store fails, so that what came before it can still be used. */
  async *#frames(open: OpenStream): AsyncGenerator<SeriesBatch> {
    const iterator = open(this.#aborter.signal)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await this.#nextInTime(iterator);
        if (step.done === true) return;
        this.#count(step.value);
        yield step.value;
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      void iterator.return?.(undefined)?.then(undefined, () => undefined);
    }
  }

  #full(): boolean {
    if (this.#queue.length === 0) return false;
    return (
      this.#queue.length >= this.#options.batchesMax || this.#queuedBytes >= this.#options.bytesMax
    );
  }

  #count(batch: SeriesBatch): void {
    this.#firstMs ??= performance.now() - this.#started;
    this.#series += batch.seriesCount;
    if (batch.chunks === null) return;
    this.#chunks += batch.chunks.chunkCount;
    this.#bytes += batch.chunks.bytes;
  }

  #put(batch: SeriesBatch): void {
    if (batch.seriesCount === 0) return;
    this.#queue.push(batch);
    if (batch.chunks !== null) this.#queuedBytes += batch.chunks.bytes;
    const wake = this.#wakeReader;
    this.#wakeReader = null;
    wake?.();
  }

  /** The next batch, or an error when it takes too long. */
  #nextInTime(iterator: AsyncIterator<SeriesBatch>): Promise<IteratorResult<SeriesBatch>> {
    const { frameTimeoutMs, deadline } = this.#options;
    const left = deadline - Date.now();
    const frame = frameTimeoutMs > 0 ? frameTimeoutMs : Number.POSITIVE_INFINITY;
    const limit = Math.min(frame, left);
    const next = iterator.next();
    if (limit === Number.POSITIVE_INFINITY) return next;
    return new Promise((resolve, reject) => {
      const expire = (): void => {
        const waited = Math.min(frame, Math.max(performance.now() - this.#started, 1));
        const text = `failed to receive any data in ${formatGoDuration(Math.round(waited))} from ${storeText(this.store)}`;
        reject(new StoreApiError("STOREAPI_TIMEOUT", text));
      };
      const timer = setTimeout(expire, Math.min(Math.max(limit, 0), 2_147_483_647));
      next.then(
        (step) => {
          clearTimeout(timer);
          resolve(step);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(error as Error);
        },
      );
    });
  }

  /** Moves to the next series; a promise if nothing has arrived yet. Sets `done` at the end. */
  advance(): Promise<void> | undefined {
    const batch = this.batch;
    if (batch !== null && ++this.index < batch.seriesCount) {
      this.#load();
      return undefined;
    }
    if (this.#queue.length > 0) {
      this.#shift();
      return undefined;
    }
    return this.#wait();
  }

  /** Moves on within the batch. */
  skipTo(index: number): void {
    this.index = index;
    this.#load();
  }

  async #wait(): Promise<void> {
    while (this.#queue.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    if (this.#queue.length > 0) this.#shift();
    else {
      this.batch = null;
      this.done = true;
    }
  }

  #shift(): void {
    const batch = this.#queue.shift()!;
    if (batch.chunks !== null) this.#queuedBytes -= batch.chunks.bytes;
    this.batch = batch;
    this.index = 0;
    this.#load();
    const wake = this.#wakePump;
    this.#wakePump = null;
    wake?.();
  }

  #load(): void {
    const columns = this.batch!.chunks;
    if (columns !== null) {
      this.data = columns.buffers[columns.labelBuffer[this.index]!]!;
      this.start = columns.labelStart[this.index]!;
      this.end = columns.labelEnd[this.index]!;
    } else {
      const labels = this.batch!.labels(this.index);
      this.data = labels.data;
      this.start = labels.start;
      this.end = labels.end;
    }
  }

  report(): StoreReport {
    return {
      ...storeFacts(this.store),
      skipped: null,
      series: this.#series,
      chunks: this.#chunks,
      bytes: this.#bytes,
      firstMs: this.#firstMs,
      durationMs: this.#ended ? this.#durationMs : performance.now() - this.#started,
      error: this.#error,
    };
  }

  /** Stops the store's work; nothing more is reported. */
  close(reason?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    // Without a reason Node makes an exception with a stack, for every stream of every query.
    if (!this.#ended) this.#aborter.abort(reason ?? closed);
    this.#queue = [];
    this.#ended = true;
    this.#wakePump?.();
    this.#wakeReader?.();
  }
}
