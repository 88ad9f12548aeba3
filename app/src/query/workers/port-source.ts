// A worker's view of a source of the main thread: it asks for selects and gets their batches as messages.
import {
  type ChunkDecoder,
  EncodedBatch,
  Labels,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import type { FromWorker, PlainError, RunMessage, ToWorker } from "./messages.ts";
import { type PackedBatch, unpackBatch } from "./pack-batch.ts";
import { plainRequest, thrownError } from "./plain.ts";

/** What came of one select and has not been read yet. */
class Select {
  readonly batches: PackedBatch[] = [];
  ended = false;
  error: PlainError | null = null;
  warn: (text: string) => void;
  #wake: () => void = () => undefined;

  constructor(warn: (text: string) => void) {
    this.warn = warn;
  }

  told(): void {
    this.#wake();
  }

  /** Waits for the next message or the end of the signal. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener("abort", done);
    });
  }
}

/** The selects of one query. */
export class PortSource implements SeriesSource {
  readonly #run: RunMessage;
  readonly #post: (message: FromWorker) => void;
  readonly #decode: ChunkDecoder;
  readonly #selects = new Map<number, Select>();
  #next = 0;

  constructor(run: RunMessage, post: (message: FromWorker) => void, decode: ChunkDecoder) {
    this.#run = run;
    this.#post = post;
    this.#decode = decode;
  }

  /** Takes a message about one of its selects. */
  receive(message: Extract<ToWorker, { readonly select: number }>): void {
    const select = this.#selects.get(message.select);
    if (select === undefined) return;
    if (message.type === "batch") select.batches.push(message.batch);
    else if (message.type === "warn") select.warn(message.text);
    else {
      select.ended = true;
      select.error = message.error;
    }
    select.told();
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncGenerator<SeriesBatch> {
    const { id } = this.#run;
    const number = this.#next++;
    const select = new Select(context.warn);
    this.#selects.set(number, select);
    this.#post({ type: "select", id, select: number, request: plainRequest(request) });
    try {
      for (;;) {
        context.signal.throwIfAborted();
        const packed = select.batches.shift();
        if (packed !== undefined) {
          this.#post({ type: "next", id, select: number });
          yield new EncodedBatch(unpackBatch(packed), this.#decode);
        } else if (select.error !== null) throw thrownError(select.error);
        else if (select.ended) return;
        else await select.wait(context.signal);
      }
    } finally {
      this.#selects.delete(number);
      if (!select.ended) this.#post({ type: "close", id, select: number });
    }
  }

  labelNames(): Promise<string[]> {
    return Promise.reject(new Error("a query asks for series only"));
  }

  labelValues(): Promise<string[]> {
    return Promise.reject(new Error("a query asks for series only"));
  }

  info(): SourceInfo {
    const { labelSets, minTime, maxTime } = this.#run.info;
    return { labelSets: labelSets.map((pairs) => new Labels(pairs)), minTime, maxTime };
  }
}
