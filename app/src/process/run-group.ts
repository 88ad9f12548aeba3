// Runs the services of a process: the first that ends decides, then all others are stopped and awaited.

/** Something that runs until it is stopped. */
export interface Actor {
  readonly name: string;
  /** Ends when the work is done or after `interrupt`. */
  execute(): Promise<void>;
  /** Makes `execute` end; called once, in the order in which actors were added. */
  interrupt(reason: unknown): void | Promise<void>;
}

/** The services of one process. */
export class RunGroup {
  readonly #actors: Actor[] = [];

  add(actor: Actor): void {
    this.#actors.push(actor);
  }

  get size(): number {
    return this.#actors.length;
  }

  /** Runs all actors. Throws what the first one to end threw. */
  async run(): Promise<void> {
    if (this.#actors.length === 0) return;
    const running = this.#actors.map((actor) =>
      Promise.resolve()
        .then(() => actor.execute())
        .then(
          () => undefined,
          (error: unknown) => ({ error }),
        ),
    );
    const first = await Promise.race(running);
    const stopping: Promise<void>[] = [];
    for (const actor of this.#actors) {
      stopping.push(Promise.resolve().then(() => actor.interrupt(first?.error)));
    }
    await Promise.allSettled(stopping);
    await Promise.all(running);
    if (first !== undefined) throw first.error;
  }
}

/** An actor that does something again and again until it is stopped. */
export function every(name: string, intervalMs: number, work: () => Promise<void>): Actor {
  const stop = new AbortController();
  return {
    name,
    execute: async () => {
      while (!stop.signal.aborted) {
        await work();
        await new Promise<void>((resolve) => {
          if (stop.signal.aborted) return resolve();
          const timer = setTimeout(resolve, intervalMs);
          stop.signal.addEventListener("abort", () => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
    },
    interrupt: () => stop.abort(),
  };
}
