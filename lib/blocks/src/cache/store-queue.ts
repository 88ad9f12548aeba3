// Stores in the background: a bounded queue, a few at once, and a breaker that stops storing while the cache fails.

export interface BreakerOptions {
  readonly enabled: boolean;
  /** Tries while half open, before it closes again. */
  readonly halfOpenMax: number;
  readonly openMs: number;
  /** Fewer requests decide nothing. */
  readonly requestsMin: number;
  readonly consecutiveFailures: number;
  /** Share of failures, 0 to 1, from which it opens. */
  readonly failureShare: number;
}

/** Opens after failures, lets a few through after a while, closes after successes. */
class Breaker {
  readonly #options: BreakerOptions;
  readonly #now: () => number;
  #openUntilMs = 0;
  #halfOpen = false;
  #requests = 0;
  #failures = 0;
  #inARow = 0;
  #tries = 0;

  constructor(options: BreakerOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  allows(): boolean {
    if (!this.#options.enabled) return true;
    if (this.#openUntilMs > this.#now()) return false;
    if (this.#openUntilMs > 0 && !this.#halfOpen) {
      this.#halfOpen = true;
      this.#reset();
    }
    return !this.#halfOpen || this.#tries++ < this.#options.halfOpenMax;
  }

  #reset(): void {
    this.#requests = 0;
    this.#failures = 0;
    this.#inARow = 0;
    this.#tries = 0;
  }

  done(ok: boolean): void {
    const { enabled, halfOpenMax, openMs, requestsMin, consecutiveFailures, failureShare } =
      this.#options;
    if (!enabled) return;
    this.#requests++;
    if (ok) this.#inARow = 0;
    else {
      this.#failures++;
      this.#inARow++;
    }
    if (this.#halfOpen && ok && this.#requests >= halfOpenMax) {
      this.#halfOpen = false;
      this.#openUntilMs = 0;
      this.#reset();
      return;
    }
    const bad =
      this.#requests >= requestsMin &&
      (this.#inARow >= consecutiveFailures || this.#failures / this.#requests >= failureShare);
    if (bad || (this.#halfOpen && !ok)) {
      this.#openUntilMs = this.#now() + openMs;
      this.#halfOpen = false;
      this.#reset();
    }
  }
}

export interface StoreQueueOptions {
  readonly concurrency: number;
  readonly bufferMax: number;
  readonly breaker: BreakerOptions;
}

/** Runs stores behind the caller's back. What does not fit is dropped. */
export class StoreQueue {
  readonly #options: StoreQueueOptions;
  readonly #breaker: Breaker;
  #queue: (() => Promise<void>)[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: StoreQueueOptions, now: () => number) {
    this.#options = options;
    this.#breaker = new Breaker(options.breaker, now);
  }

  /** False if it was dropped. `work` rejects where storing failed. */
  push(work: () => Promise<void>): boolean {
    if (this.#queue.length >= this.#options.bufferMax) return false;
    this.#queue.push(work);
    if (this.#running < this.#options.concurrency) void this.#run();
    return true;
  }

  async #run(): Promise<void> {
    this.#running++;
    for (let work = this.#queue.shift(); work !== undefined; work = this.#queue.shift()) {
      if (!this.#breaker.allows()) continue;
      const ok = await work().then(
        () => true,
        () => false,
      );
      this.#breaker.done(ok);
    }
    this.#running--;
    if (this.#running === 0) for (const done of this.#idle.splice(0)) done();
  }

  /** Waits until all is stored. */
  drain(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  clear(): void {
    this.#queue = [];
  }
}
