// A loser tree: which of many sorted streams comes next, with one comparison a level for each step.

/**
 * `less(a, b)` compares the heads of streams `a` and `b`; an exhausted stream is never less. Ties go to the
 * stream with the smaller number, so that the merge is stable.
 */
export class LoserTree {
  readonly #less: (a: number, b: number) => boolean;
  readonly #count: number;
  /** Node 0 holds the winner, the others the loser of their match. */
  readonly #nodes: Int32Array;

  constructor(count: number, less: (a: number, b: number) => boolean) {
    this.#count = count;
    this.#less = less;
    this.#nodes = new Int32Array(Math.max(count, 1)).fill(-1);
    if (count > 0) this.#nodes[0] = count === 1 ? 0 : this.#build(1);
  }

  #build(node: number): number {
    if (node >= this.#count) return node - this.#count;
    const left = this.#build(2 * node);
    const right = this.#build(2 * node + 1);
    const leftWins = this.#wins(left, right);
    this.#nodes[node] = leftWins ? right : left;
    return leftWins ? left : right;
  }

  #wins(a: number, b: number): boolean {
    if (this.#less(a, b)) return true;
    if (this.#less(b, a)) return false;
    return a < b;
  }

  /** The stream whose head is least. */
  get winner(): number {
    return this.#nodes[0]!;
  }

  /** Call it after the winner's head has changed. */
  replay(): void {
    const nodes = this.#nodes;
    let current = nodes[0]!;
    for (let node = (current + this.#count) >> 1; node > 0; node >>= 1) {
      const other = nodes[node]!;
      if (this.#wins(other, current)) {
        nodes[node] = current;
        current = other;
      }
    }
    nodes[0] = current;
  }
}
