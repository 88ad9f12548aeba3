// Asks a second time for what takes unusually long, and takes the answer that comes first.
import type { Bucket } from "../bucket.ts";
import { ForwardingBucket } from "./forwarding-bucket.ts";

export interface HedgingOptions {
  /** Requests for one read, the first included. */
  readonly upTo: number;
  /** A read that takes longer than this share of those before it is asked for again. In (0, 1). */
  readonly quantile: number;
}

export const hedgingDefaults: HedgingOptions = { upTo: 3, quantile: 0.9 };

/** Times that are remembered for each class of sizes, and how many are needed before they say anything. */
const timesKept = 128;
const timesNeeded = 16;
/** No second request is sent earlier. */
const waitMsMin = 1;
/** Second requests for each first one, in the long run: a store that is slow for all is not to be asked twice as much. */
const hedgesPerRead = 0.2;
const hedgesSaved = 20;

/** The last times of reads of about one size. */
class Times {
  readonly #ring = new Float64Array(timesKept);
  #count = 0;

  add(ms: number): void {
    this.#ring[this.#count++ % timesKept] = ms;
  }

  /** Undefined while too little is known. */
  quantile(share: number): number | undefined {
    const known = Math.min(this.#count, timesKept);
    if (known < timesNeeded) return undefined;
    const sorted = this.#ring.slice(0, known).sort();
    return sorted[Math.min(known - 1, Math.floor(share * known))];
  }
}

/**
 * Hedges `get`, `getRange`, `attributes` and `exists`. What loses is aborted. `hedged` is told of each further request;
 * `now` is in ms.
 */
export function hedgedBucket(
  bucket: Bucket,
  options: HedgingOptions,
  now: () => number,
  hedged: () => void = () => undefined,
): Bucket {
  return new HedgedBucket(bucket, options, now, hedged);
}

class HedgedBucket extends ForwardingBucket {
  readonly #options: HedgingOptions;
  readonly #now: () => number;
  readonly #hedged: () => void;
  readonly #times = new Map<string, Times>();
  #saved = hedgesSaved;

  constructor(inner: Bucket, options: HedgingOptions, now: () => number, hedged: () => void) {
    super(inner);
    this.#options = options;
    this.#now = now;
    this.#hedged = hedged;
  }

  override get(name: string, signal: AbortSignal) {
    return this.#race("get", signal, (one) => this.inner.get(name, one));
  }
  override getRange(name: string, offset: number, length: number, signal: AbortSignal) {
    // Memory of the caller is not used: what loses may still write into it.
    const size = Math.ceil(Math.log2(Math.max(4096, length)) / 2);
    return this.#race(`range ${size}`, signal, (one) =>
      this.inner.getRange(name, offset, length, one),
    );
  }
  override attributes(name: string, signal: AbortSignal) {
    return this.#race("attributes", signal, (one) => this.inner.attributes(name, one));
  }
  override exists(name: string, signal: AbortSignal) {
    return this.#race("attributes", signal, (one) => this.inner.exists(name, one));
  }

  #waitMs(times: Times): number | undefined {
    const wait = times.quantile(this.#options.quantile);
    return wait === undefined ? undefined : Math.max(waitMsMin, wait);
  }

  #timesOf(kind: string): Times {
    let times = this.#times.get(kind);
    if (times === undefined) {
      times = new Times();
      this.#times.set(kind, times);
    }
    return times;
  }

  #race<T>(
    kind: string,
    signal: AbortSignal,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const times = this.#timesOf(kind);
    this.#saved = Math.min(hedgesSaved, this.#saved + hedgesPerRead);
    return new Promise<T>((resolve, reject) => {
      const stop = new AbortController();
      const stopped = (): void => stop.abort(signal.reason);
      let sent = 0;
      let failed = 0;
      let timer: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stopped);
      };
      const send = (): void => {
        const begun = this.#now();
        sent++;
        run(stop.signal).then(
          (result) => {
            times.add(this.#now() - begun);
            end();
            resolve(result);
            stop.abort(new Error("another request was answered first"));
          },
          (error: unknown) => {
            // Whoever is left may still answer.
            if (++failed < sent && !signal.aborted) return;
            end();
            reject(error as Error);
          },
        );
        const waitMs = this.#waitMs(times);
        if (sent >= this.#options.upTo || waitMs === undefined) return;
        timer = setTimeout(() => {
          if (this.#saved < 1) return;
          this.#saved--;
          this.#hedged();
          send();
        }, waitMs);
      };
      if (signal.aborted) return reject(signal.reason as Error);
      signal.addEventListener("abort", stopped, { once: true });
      send();
    });
  }
}
