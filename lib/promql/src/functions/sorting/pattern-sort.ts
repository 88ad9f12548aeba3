// Pattern-defeating quicksort with the decisions of Go's `sort.Sort`: elements that compare equal (and NaNs, which
// compare before each other) end up where Prometheus puts them. For order that does not matter use Array.sort.

const insertionMax = 12;
const nintherMin = 50;

/** Length in bits of a positive integer. */
function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}

/** Sorts `items` in place; `less` need not be a proper order. */
export function patternSort<T>(items: T[], less: (a: T, b: T) => boolean): T[] {
  if (items.length > 1) {
    new PatternSort(items, less).sort(0, items.length, bitLength(items.length));
  }
  return items;
}

class PatternSort<T> {
  readonly #items: T[];
  readonly #before: (a: T, b: T) => boolean;
  /** Swaps that the choice of the last pivot would have needed: none hints at order, all at reversed order. */
  #swaps = 0;

  constructor(items: T[], less: (a: T, b: T) => boolean) {
    this.#items = items;
    this.#before = less;
  }

  #less(i: number, j: number): boolean {
    return this.#before(this.#items[i]!, this.#items[j]!);
  }

  #swap(i: number, j: number): void {
    const items = this.#items;
    const item = items[i]!;
    items[i] = items[j]!;
    items[j] = item;
  }

  /** Sorts from `start` to `end` (exclusive), with so many unbalanced partitions allowed before heapsort. */
  sort(start: number, end: number, badPivotsMax: number): void {
    let from = start;
    let to = end;
    let left = badPivotsMax;
    let balanced = true;
    let partitioned = true;
    while (to - from > insertionMax) {
      const length = to - from;
      if (left === 0) {
        this.#heapSort(from, to);
        return;
      }
      if (!balanced) {
        this.#scatter(from, length);
        left--;
      }
      let pivot = this.#choosePivot(from, length);
      let ordered = this.#swaps === 0;
      if (this.#swaps === insertionMax) {
        this.#reverse(from, to);
        pivot = to - 1 - (pivot - from);
        ordered = true;
      }
      if (balanced && partitioned && ordered && this.#insertFew(from, to)) return;
      if (from > 0 && !this.#less(from - 1, pivot)) {
        from = this.#splitEqual(from, to, pivot);
        continue;
      }
      const split = this.#split(from, to, pivot);
      partitioned = split.partitioned;
      const middle = split.at;
      const lesser = Math.min(middle - from, to - middle);
      balanced = lesser >= Math.trunc(length / 8);
      if (middle - from < to - middle) {
        this.sort(from, middle, left);
        from = middle + 1;
      } else {
        this.sort(middle + 1, to, left);
        to = middle;
      }
    }
    this.#insertAll(from, to);
  }

  #insertAll(from: number, to: number): void {
    for (let i = from + 1; i < to; i++) {
      for (let j = i; j > from && this.#less(j, j - 1); j--) this.#swap(j, j - 1);
    }
  }

  /** Mends a few neighbours that are out of order; true if all is sorted then. */
  #insertFew(from: number, to: number): boolean {
    let i = from + 1;
    for (let step = 0; step < 5; step++) {
      while (i < to && !this.#less(i, i - 1)) i++;
      if (i === to) return true;
      if (to - from < nintherMin) return false;
      this.#swap(i, i - 1);
      if (i - from >= 2) {
        for (let j = i - 1; j >= 1 && this.#less(j, j - 1); j--) this.#swap(j, j - 1);
      }
      if (to - i >= 2) {
        for (let j = i + 1; j < to && this.#less(j, j - 1); j++) this.#swap(j, j - 1);
      }
    }
    return false;
  }

  #split(from: number, to: number, pivot: number): { at: number; partitioned: boolean } {
    this.#swap(from, pivot);
    let i = from + 1;
    let j = to - 1;
    let partitioned = true;
    for (;;) {
      while (i <= j && this.#less(i, from)) i++;
      while (i <= j && !this.#less(j, from)) j--;
      if (i > j) break;
      partitioned = false;
      this.#swap(i++, j--);
    }
    this.#swap(j, from);
    return { at: j, partitioned };
  }

  /** Moves what equals the pivot to the front, where nothing is less; returns where the rest starts. */
  #splitEqual(from: number, to: number, pivot: number): number {
    this.#swap(from, pivot);
    let i = from + 1;
    let j = to - 1;
    for (;;) {
      while (i <= j && !this.#less(from, i)) i++;
      while (i <= j && this.#less(from, j)) j--;
      if (i > j) return i;
      this.#swap(i++, j--);
    }
  }

  #choosePivot(from: number, length: number): number {
    this.#swaps = 0;
    const quarter = Math.trunc(length / 4);
    let i = from + quarter;
    let j = from + quarter * 2;
    let k = from + quarter * 3;
    if (length >= nintherMin) {
      i = this.#median(i - 1, i, i + 1);
      j = this.#median(j - 1, j, j + 1);
      k = this.#median(k - 1, k, k + 1);
    }
    return this.#median(i, j, k);
  }

  #median(first: number, second: number, third: number): number {
    let [a, b, c] = [first, second, third];
    if (this.#less(b, a)) {
      this.#swaps++;
      [a, b] = [b, a];
    }
    if (this.#less(c, b)) {
      this.#swaps++;
      [b, c] = [c, b];
    }
    if (this.#less(b, a)) {
      this.#swaps++;
      [a, b] = [b, a];
    }
    return b;
  }

  #reverse(from: number, to: number): void {
    for (let i = from, j = to - 1; i < j; i++, j--) this.#swap(i, j);
  }

  /** Swaps three elements in the middle with others picked by a xorshift generator seeded with the length. */
  #scatter(from: number, length: number): void {
    const mask = (1n << BigInt(bitLength(length))) - 1n;
    const middle = from + Math.trunc(length / 4) * 2;
    let random = BigInt(length);
    for (let i = middle - 1; i <= middle + 1; i++) {
      random = BigInt.asUintN(64, random ^ (random << 13n));
      random ^= random >> 7n;
      random = BigInt.asUintN(64, random ^ (random << 17n));
      let other = Number(random & mask);
      if (other >= length) other -= length;
      this.#swap(i, from + other);
    }
  }

  #heapSort(from: number, to: number): void {
    const size = to - from;
    for (let i = Math.trunc((size - 1) / 2); i >= 0; i--) this.#siftDown(from, i, size);
    for (let i = size - 1; i >= 0; i--) {
      this.#swap(from, from + i);
      this.#siftDown(from, 0, i);
    }
  }

  #siftDown(from: number, start: number, size: number): void {
    let root = start;
    for (;;) {
      let child = 2 * root + 1;
      if (child >= size) return;
      if (child + 1 < size && this.#less(from + child, from + child + 1)) child++;
      if (!this.#less(from + root, from + child)) return;
      this.#swap(from + root, from + child);
      root = child;
    }
  }
}
