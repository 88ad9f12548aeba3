// How many bytes of requests may be under way at once: overload is told before memory is full.
import { ReceiveError } from "../errors.ts";

/** Counts bytes of bodies that are being received and written. */
export class WriteBudget {
  readonly #max: number;
  readonly #memoryIsFull: () => boolean;
  #taken = 0;

  constructor(bytesMax: number, memoryIsFull: () => boolean) {
    this.#max = bytesMax;
    this.#memoryIsFull = memoryIsFull;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Returns what is to be given back. Throws RECEIVE_OVERLOADED; a single large body is always taken when idle. */
  take(bytes: number): number {
    if (this.#memoryIsFull() || (this.#taken > 0 && this.#taken + bytes > this.#max)) {
      throw new ReceiveError(
        "RECEIVE_OVERLOADED",
        "too much is being written at once, try again later",
        { taken: this.#taken, bytes },
      );
    }
    this.#taken += bytes;
    return bytes;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** True while the process holds so large a part of what it may have; looked up at most once a second. */
export function memoryWatch(part: number, now: () => number): () => boolean {
  const limit = process.constrainedMemory();
  let looked = 0;
  let full = false;
  return () => {
    if (limit === 0 || limit === undefined || limit > 2 ** 50) return false;
    if (now() - looked >= 1000) {
      looked = now();
      full = process.memoryUsage.rss() > part * limit;
    }
    return full;
  };
}
