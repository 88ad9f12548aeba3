// A value that ends, like a token: asked for once by all who need it, and again before it ends.

export interface Expiring<T> {
  readonly value: T;
  /** From then on another one is asked for, Unix ms; infinite for never. */
  readonly renewAtMs: number;
}

/** Nobody who gives values is waited for longer. */
const askMs = 30_000;

export class ExpiringValue<T> {
  readonly #ask: (signal: AbortSignal) => Promise<Expiring<T>>;
  readonly #now: () => number;
  #kept: Expiring<T> | undefined;
  #asked: Promise<T> | undefined;

  constructor(ask: (signal: AbortSignal) => Promise<Expiring<T>>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** The value, kept or fresh. Throws what `ask` throws, or the signal's reason; the next call then asks again. */
  get(signal: AbortSignal): Promise<T> {
    const kept = this.#kept;
    if (kept !== undefined && this.#now() < kept.renewAtMs) return Promise.resolve(kept.value);
    this.#asked ??= this.#fresh();
    return abortable(this.#asked, signal);
  }

  /** The value is worth nothing any more. */
  drop(): void {
    this.#kept = undefined;
    this.#asked = undefined;
  }

  #fresh(): Promise<T> {
    const asked: Promise<T> = this.#ask(AbortSignal.timeout(askMs)).then((fresh) => {
      // One that was dropped meanwhile is not kept.
      if (this.#asked === asked) this.#kept = fresh;
      return fresh.value;
    });
    const done = (): void => {
      if (this.#asked === asked) this.#asked = undefined;
    };
    asked.then(done, done);
    return asked;
  }
}

/** Others go on waiting for `work` when the signal of one aborts. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const done = (): void => signal.removeEventListener("abort", onAbort);
    work.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error as Error);
      },
    );
  });
}
