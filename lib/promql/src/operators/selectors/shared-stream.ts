// A stream of batches that several readers go through.
import type { SeriesBatch } from "@deucalion/model";
import type { QueryLimits } from "../../limits.ts";

/** So much is kept for readers that have not begun; beyond it they have to read by themselves. */
const keptBytesMax = 32 << 20;

export function batchBytes(batch: SeriesBatch): number {
  return batch.chunks === null ? 0 : batch.chunks.bytes;
}

/** A batch is kept until the last reader has had it. */
export class SharedStream {
  readonly #iterator: AsyncIterator<SeriesBatch>;
  readonly #limits: QueryLimits;
  #readersMax: number;
  readonly #batches: SeriesBatch[] = [];
  #keptBytes = 0;
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

  /** Whether one more reader can still see everything. */
  get isOpen(): boolean {
    return this.#positions.length < this.#readersMax;
  }

  /** Takes the place of one reader; there must be one. */
  read(): AsyncIterable<SeriesBatch> {
    return this.#read(this.#positions.push(0) - 1);
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
    const bytes = batchBytes(next.value);
    this.#limits.holdBytes(bytes);
    this.#keptBytes += bytes;
    this.#batches.push(next.value);
    if (this.#keptBytes > keptBytesMax) this.#readersMax = this.#positions.length;
    return true;
  }

  async *#read(reader: number): AsyncGenerator<SeriesBatch> {
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
    if (this.isOpen) return;
    const needed = Math.min(...this.#positions);
    while (this.#first < needed && this.#batches.length > 0) {
      const bytes = batchBytes(this.#batches.shift()!);
      this.#limits.holdBytes(-bytes);
      this.#keptBytes -= bytes;
      this.#first++;
    }
  }

  /** Ends the read of the source, wherever it stands. */
  close(): void {
    this.#iterator.return?.().catch(() => undefined);
  }
}
