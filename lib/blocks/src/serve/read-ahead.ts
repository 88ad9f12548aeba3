// Lets the next piece be made while the last one is used.

/** Yields what `source` yields, asking for one piece more than was taken. Ends `source` when it is left early. */
export class ReadAhead<T> {
  readonly #source: AsyncGenerator<T>;
  #next: Promise<IteratorResult<T>> | undefined;

  constructor(source: AsyncGenerator<T>) {
    this.#source = source;
  }

  /** Starts the first piece, or the next. */
  start(): void {
    if (this.#next !== undefined) return;
    this.#next = this.#source.next();
    // An error is thrown by `take`; until then it must not count as unhandled.
    this.#next.catch(() => undefined);
  }

  /** The next piece, or undefined at the end. */
  async take(): Promise<T | undefined> {
    this.start();
    const next = this.#next!;
    this.#next = undefined;
    const result = await next;
    if (result.done === true) return undefined;
    this.start();
    return result.value;
  }

  /** Stops the source; waits for what is under way. */
  async close(): Promise<void> {
    await this.#next?.catch(() => undefined);
    await this.#source.return(undefined);
  }
}
