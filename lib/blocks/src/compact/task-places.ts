// How many tasks run at once, and who is next.

/** Places for tasks that run; who comes when all are taken waits, in order. */
export class TaskPlaces {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a place. */
  async take(): Promise<void> {
    if (this.#taken < this.#max) this.#taken++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Takes up to `wanted` places that nobody needs now, and says how many. */
  takeIdle(wanted: number): number {
    const taken = Math.max(0, Math.min(wanted, this.#max - this.#taken));
    this.#taken += taken;
    return taken;
  }

  /** The place goes to whoever waits longest. */
  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
