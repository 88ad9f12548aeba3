// Bounds how many rules of all groups are evaluated side by side.

/** A counter of free places; whoever gets none does the work in line. */
export class EvaluationSlots {
  #free: number;

  /** Beside the group's own line, so 1 means that nothing runs side by side. */
  constructor(places: number) {
    this.#free = places > 1 ? places : 0;
  }

  tryAcquire(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  release(): void {
    this.#free++;
  }
}
