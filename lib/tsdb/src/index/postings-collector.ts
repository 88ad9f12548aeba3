// Gathers which series have which label, and gives the postings lists in the order of an index.

/** One list; `name` and `value` are numbers of symbols, both -1 for the list of all series. */
export interface CollectedList {
  readonly name: number;
  readonly value: number;
  readonly refs: Uint32Array;
}

/** Takes series by ascending reference. Holds eight bytes a label of a series, at most. */
export class PostingsCollector {
  readonly #symbolCount: number;
  readonly #listOf = new Map<number, number>();
  readonly #keys: number[] = [];
  readonly #counts: number[] = [];
  #refs = new Uint32Array(1024);
  #ends = new Uint32Array(1024);
  #series = 0;
  #lists = new Uint32Array(8192);
  #used = 0;
  /** Labels of the last series, each its key plus one, and the lists they belong to. */
  #lastKeys = new Float64Array(32);
  #lastLists = new Uint32Array(32);

  constructor(symbolCount: number) {
    this.#symbolCount = symbolCount;
  }

  /** Adds a series with its labels as symbol numbers: the first `count` pairs of `labels`. */
  add(ref: number, labels: Uint32Array, count: number): void {
    if (this.#series === this.#refs.length) {
      this.#refs = doubled(this.#refs);
      this.#ends = doubled(this.#ends);
    }
    while (this.#used + count > this.#lists.length) this.#lists = doubled(this.#lists);
    if (this.#lastKeys.length < count) {
      this.#lastKeys = new Float64Array(2 * count);
      this.#lastLists = new Uint32Array(2 * count);
    }
    for (let i = 0; i < count; i++) {
      const key = labels[2 * i]! * this.#symbolCount + labels[2 * i + 1]! + 1;
      // Most labels of a series are those of the one before it.
      if (this.#lastKeys[i] !== key) {
        this.#lastKeys[i] = key;
        this.#lastLists[i] = this.#list(key - 1);
      }
      const list = this.#lastLists[i]!;
      this.#counts[list] = this.#counts[list]! + 1;
      this.#lists[this.#used++] = list;
    }
    this.#refs[this.#series] = ref;
    this.#ends[this.#series++] = this.#used;
  }

  #list(key: number): number {
    let list = this.#listOf.get(key);
    if (list === undefined) {
      list = this.#keys.push(key) - 1;
      this.#listOf.set(key, list);
      this.#counts.push(0);
    }
    return list;
  }

  /** The list of all series, then those of each name and value in order of symbols. */
  *lists(): Iterable<CollectedList> {
    yield { name: -1, value: -1, refs: this.#refs.subarray(0, this.#series) };
    const order = Float64Array.from(this.#keys).sort();
    const starts = new Uint32Array(this.#keys.length);
    let total = 0;
    for (const key of order) {
      const list = this.#listOf.get(key)!;
      starts[list] = total;
      total += this.#counts[list]!;
    }
    const next = starts.slice();
    const sorted = new Uint32Array(total);
    for (let series = 0, at = 0; series < this.#series; series++) {
      for (const end = this.#ends[series]!; at < end; at++) {
        const list = this.#lists[at]!;
        sorted[next[list]!] = this.#refs[series]!;
        next[list] = next[list]! + 1;
      }
    }
    for (const key of order) {
      const list = this.#listOf.get(key)!;
      const value = key % this.#symbolCount;
      const name = (key - value) / this.#symbolCount;
      yield { name, value, refs: sorted.subarray(starts[list]!, next[list]!) };
    }
  }
}

function doubled(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(column.length * 2);
  larger.set(column);
  return larger;
}
