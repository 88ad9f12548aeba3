// A source whose first batches are kept, so that a query that turns out to be big can begin anew elsewhere without asking
// the stores again.
import type {
  LabelBytes,
  LabelRequest,
  SampleColumns,
  SeriesBatch,
  SeriesRequest,
  SeriesSource,
  SourceContext,
  SourceInfo,
} from "@deucalion/model";
import { plainRequest } from "./plain.ts";

/** What has come of one select so far, and what still comes. */
export interface Tap {
  /** The next batch, those already read first; null at the end. Throws what the source throws. */
  next(): Promise<SeriesBatch | null>;
  /** Told every warning, those of before first. */
  onWarning(warn: (text: string) => void): void;
  close(): Promise<void>;
}

/** A batch that is not given back by its first reader. */
class KeptBatch implements SeriesBatch {
  readonly #batch: SeriesBatch;

  constructor(batch: SeriesBatch) {
    this.#batch = batch;
  }

  get seriesCount(): number {
    return this.#batch.seriesCount;
  }

  get chunks() {
    return this.#batch.chunks;
  }

  labels(series: number): LabelBytes {
    return this.#batch.labels(series);
  }

  samplesInto(series: number, out: SampleColumns): void {
    this.#batch.samplesInto(series, out);
  }
}

class Select implements Tap {
  readonly key: string;
  readonly #iterator: AsyncIterator<SeriesBatch>;
  readonly #warnings: string[] = [];
  readonly #kept: SeriesBatch[] = [];
  #warn: (text: string) => void;
  #replayed = -1;
  /** Reads one after the other, whoever asks. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    key: string,
    open: (warn: (text: string) => void) => AsyncIterable<SeriesBatch>,
    warn: (text: string) => void,
  ) {
    this.key = key;
    this.#warn = warn;
    this.#iterator = open((text) => {
      this.#warnings.push(text);
      this.#warn(text);
    })[Symbol.asyncIterator]();
  }

  #read(): Promise<SeriesBatch | null> {
    const read = this.#last.then(async () => {
      const { done, value } = await this.#iterator.next();
      return done === true ? null : (value as SeriesBatch);
    });
    this.#last = read.catch(() => undefined);
    return read;
  }

  /** For the first reader: what it gets is kept. */
  async keep(): Promise<SeriesBatch | null> {
    const batch = await this.#read();
    if (batch !== null) this.#kept.push(batch);
    return batch;
  }

  async next(): Promise<SeriesBatch | null> {
    // A read of the first reader may still be under way; it will be kept.
    if (this.#replayed < 0) {
      this.#replayed = 0;
      await this.#last;
    }
    if (this.#replayed < this.#kept.length) return this.#kept[this.#replayed++]!;
    return this.#read();
  }

  onWarning(warn: (text: string) => void): void {
    this.#warn = warn;
    for (const text of this.#warnings) warn(text);
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/** How much a first reader may read before the query moves. */
export interface TapLimits {
  /** Bytes of labels and chunks. */
  readonly bytes: number;
  readonly series: number;
}

/** The query goes on elsewhere; ends its first reader. */
export class Moved extends Error {}

export class TappedSource implements SeriesSource {
  readonly #source: SeriesSource;
  readonly #limits: TapLimits;
  readonly #signal: AbortSignal;
  readonly #selects: Select[] = [];
  #bytes = 0;
  #series = 0;
  #moved = false;
  #mixed = false;

  /** `signal` ends the selects; that of the first reader does not. */
  constructor(source: SeriesSource, limits: TapLimits, signal: AbortSignal) {
    this.#source = source;
    this.#limits = limits;
    this.#signal = signal;
  }

  get moved(): boolean {
    return this.#moved;
  }

  /** Ends the first reader, unless there were batches that only this thread can read. */
  move(): boolean {
    if (!this.#mixed) this.#moved = true;
    return this.#moved;
  }

  #open(request: SeriesRequest, context: SourceContext): Select {
    const key = JSON.stringify(plainRequest(request));
    return new Select(
      key,
      (warn) => this.#source.series(request, { ...context, signal: this.#signal, warn }),
      context.warn,
    );
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncGenerator<SeriesBatch> {
    const select = this.#open(request, context);
    this.#selects.push(select);
    for (;;) {
      if (this.#moved) throw new Moved();
      const batch = await select.keep();
      if (batch === null) return;
      this.#series += batch.seriesCount;
      if (batch.chunks === null) this.#mixed = true;
      else this.#bytes += batch.chunks.bytes;
      const { bytes, series } = this.#limits;
      if (this.#bytes > bytes || this.#series > series) this.move();
      if (this.#moved) throw new Moved();
      yield new KeptBatch(batch);
    }
  }

  /** A select of the second reader: one of the first with the same request, or a new one. */
  take(request: SeriesRequest, context: SourceContext): Tap {
    const key = JSON.stringify(plainRequest(request));
    const at = this.#selects.findIndex((select) => select.key === key);
    if (at < 0) return this.#open(request, context);
    const [select] = this.#selects.splice(at, 1);
    select!.onWarning(context.warn);
    return select!;
  }

  /** Ends the selects that nobody reads. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#selects.splice(0).map((select) => select.close()));
  }

  labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#source.labelNames(request, context);
  }

  labelValues(name: string, request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#source.labelValues(name, request, context);
  }

  info(): SourceInfo {
    return this.#source.info();
  }
}
