// Series references of a log to series indexes, while replaying.

const denseMax = 1 << 26;

/** A table by reference for the usual, dense ones; a map for the rest. */
export class RefIndex {
  #dense = new Int32Array(4096).fill(-1);
  readonly #sparse = new Map<number, number>();

  /** −1 for references that are not known. */
  get(ref: number): number {
    if (ref < this.#dense.length) return ref >= 0 ? this.#dense[ref]! : -1;
    return this.#sparse.get(ref) ?? -1;
  }

  set(ref: number, series: number): void {
    if (ref >= this.#dense.length) {
      // Grows while at least a sixteenth of the table would be in use.
      const room = ref < denseMax && ref < 16 * (this.#dense.length + this.#sparse.size);
      if (!room) {
        this.#sparse.set(ref, series);
        return;
      }
      let length = this.#dense.length;
      while (length <= ref) length *= 2;
      const larger = new Int32Array(length).fill(-1);
      larger.set(this.#dense);
      for (const [known, index] of this.#sparse) {
        if (known >= length) continue;
        larger[known] = index;
        this.#sparse.delete(known);
      }
      this.#dense = larger;
    }
    this.#dense[ref] = series;
  }

  delete(ref: number): void {
    if (ref < this.#dense.length) this.#dense[ref] = -1;
    else this.#sparse.delete(ref);
  }
}
