// Blocks that a listing has found so far, for those who read them while it goes on.

/** A queue of found blocks, each given once; over after `end` or `drop`. Holds as many as the bucket has. */
export class FoundBlocks {
  readonly #ids = new Set<string>();
  readonly #waiting: [id: string, modifiedMs: number][] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  add(id: string, modifiedMs: number): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.#waiting.push([id, modifiedMs]);
    this.#wake();
  }

  /** No more come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What is not taken yet is not wanted any more. */
  drop(): void {
    this.#waiting.length = 0;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<[id: string, modifiedMs: number]> {
    for (let next = 0; ; ) {
      while (next < this.#waiting.length) yield this.#waiting[next++]!;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
