// Lets calls in by what they will hold, before they read anything.
import { BlocksError } from "../errors.ts";

export interface AdmissionOptions {
  /** Most bytes that all calls may hold together; 0 for no limit. */
  readonly allMax: number;
  /** Most bytes that one call may hold; 0 for no limit. */
  readonly callMax: number;
  /** A call that would fit alone waits so long for others to end. */
  readonly waitMs: number;
}

export const admissionDefaults: AdmissionOptions = { allMax: 0, callMax: 0, waitMs: 5000 };

/** What a call is taken to need. */
export interface CallEstimate {
  readonly bytes: number;
  /** Series it touches at most, over all blocks. */
  readonly series: number;
  readonly blocks: number;
}

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

/** Counts what calls hold. First come, first served. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #waiting: Waiting[] = [];
  #held = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Bytes that running calls were let in with. */
  get held(): number {
    return this.#held;
  }

  /** Whether so many bytes are too few to be worth a closer look. */
  isSmall(bytes: number): boolean {
    const { allMax, callMax } = this.#options;
    return (allMax === 0 || bytes < allMax / 16) && (callMax === 0 || bytes < callMax / 4);
  }

  /**
   * Waits until the call fits; gives back how to leave. Throws BLOCKS_LIMIT_MEMORY where it never will, or where others
   * do not end in time, and the signal's reason.
   */
  async admit(estimate: CallEstimate, signal: AbortSignal): Promise<() => void> {
    const { allMax, callMax } = this.#options;
    const { bytes } = estimate;
    if (callMax > 0 && bytes > callMax)
      throw limitError("--store.limits.request-memory", callMax, estimate);
    if (allMax > 0 && bytes > allMax) throw limitError("--store.limits.memory", allMax, estimate);
    if (allMax > 0 && (this.#waiting.length > 0 || this.#held + bytes > allMax))
      await this.#wait(estimate, signal);
    else this.#held += bytes;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#held -= bytes;
      this.#next();
    };
  }

  #next(): void {
    const { allMax } = this.#options;
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined || this.#held + first.bytes > allMax) return;
      this.#waiting.shift();
      this.#held += first.bytes;
      first.admit();
    }
  }

  #wait(estimate: CallEstimate, signal: AbortSignal): Promise<void> {
    const { allMax, waitMs } = this.#options;
    return new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
      };
      const giveUp = (error: Error): void => {
        end();
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        this.#next();
        reject(error);
      };
      const aborted = (): void => giveUp(signal.reason as Error);
      const waiting: Waiting = {
        bytes: estimate.bytes,
        admit: () => {
          end();
          resolve();
        },
      };
      const timer = setTimeout(
        () => giveUp(limitError("--store.limits.memory", allMax, estimate, this.#held)),
        waitMs,
      );
      this.#waiting.push(waiting);
      if (signal.aborted) aborted();
      else signal.addEventListener("abort", aborted, { once: true });
    });
  }
}

function limitError(
  flag: string,
  limit: number,
  { bytes, series, blocks }: CallEstimate,
  held = 0,
): BlocksError {
  const others = held === 0 ? "" : `, beside ${mib(held)} of other calls that do not end`;
  return new BlocksError(
    "BLOCKS_LIMIT_MEMORY",
    `exceeded memory limit: up to ${series} series in ${blocks} blocks would take about ${mib(bytes)}${others}; ${flag} allows ${mib(limit)}. Narrow the matchers or the time range.`,
    { flag, limit, bytes, series, blocks, held },
  );
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)}MiB`;
}
