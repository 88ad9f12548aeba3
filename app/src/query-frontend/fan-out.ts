// The sub-requests of one request: so many at once, and the first failure ends the others.
import { FrontendError } from "./errors.ts";

export class SubRequests {
  readonly #stop = new AbortController();
  readonly #parallel: number;
  readonly #waiting: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #deadlineMs: number;
  #running = 0;

  /** `timeoutMs` 0 is no limit. */
  constructor(client: AbortSignal, parallel: number, timeoutMs: number) {
    this.#parallel = Math.max(1, parallel);
    if (client.aborted) this.#stop.abort(client.reason);
    client.addEventListener("abort", () => this.#stop.abort(client.reason), { once: true });
    this.#deadlineMs = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
    if (timeoutMs > 0) {
      this.#timer = setTimeout(
        () => this.#stop.abort(new FrontendError("FRONTEND_TIMEOUT", "the request timed out")),
        timeoutMs,
      );
    }
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Time left, ms; null without a limit. */
  get leftMs(): number | null {
    return this.#deadlineMs === 0 ? null : Math.max(1, this.#deadlineMs - performance.now());
  }

  /** Runs `work` when there is a place. What it throws ends all others and is thrown to each of them. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running >= this.#parallel) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.signal.throwIfAborted();
    this.#running++;
    try {
      return await work();
    } catch (error) {
      this.#stop.abort(error);
      throw this.signal.reason;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** Call it when the request is done. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
