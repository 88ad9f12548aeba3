// Puts series of a head in order of their labels. For large sets the place of each series is remembered.
import { compareLabelBytes } from "@deucalion/model";
import type { SeriesTable } from "./series-table.ts";

/** Sets up to this size are sorted by comparing labels. */
const directMax = 2048;

/** Ranks of series; new ones are merged in when a large set is asked for. */
export class SeriesOrder {
  readonly #table: SeriesTable;
  #sorted = new Uint32Array(0);
  /** Place + 1 in `#sorted`; 0 for series that are not in it. */
  #rank = new Uint32Array(0);

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  readonly #compare = (a: number, b: number): number =>
    compareLabelBytes(this.#table.labels(a), this.#table.labels(b));

  /** A new array with the same series, ordered by labels. */
  sort(series: Uint32Array): Uint32Array {
    if (series.length <= directMax) {
      return Uint32Array.from(Array.from(series).sort(this.#compare));
    }
    let unranked = false;
    for (let i = 0; i < series.length && !unranked; i++) unranked = !this.#rank[series[i]!];
    if (unranked) this.#update();
    const ranks = series.map((one) => this.#rank[one]! - 1).sort();
    return ranks.map((rank) => this.#sorted[rank]!);
  }

  /** Forgets removed series, whose indexes will be used again. */
  forget(gone: ReadonlySet<number>): void {
    if (this.#sorted.length === 0) return;
    this.#replace(this.#sorted.filter((series) => !gone.has(series)));
  }

  #replace(sorted: Uint32Array<ArrayBuffer>): void {
    this.#sorted = sorted;
    this.#rank = new Uint32Array(this.#table.size);
    for (let i = 0; i < sorted.length; i++) this.#rank[sorted[i]!] = i + 1;
  }

  #update(): void {
    const fresh: number[] = [];
    for (const series of this.#table.all()) if (!this.#rank[series]) fresh.push(series);
    fresh.sort(this.#compare);
    const old = this.#sorted;
    const merged = new Uint32Array(old.length + fresh.length);
    let from = 0;
    let to = 0;
    for (const series of fresh) {
      let low = from;
      let high = old.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.#compare(old[middle]!, series) < 0) low = middle + 1;
        else high = middle;
      }
      merged.set(old.subarray(from, low), to);
      to += low - from;
      from = low;
      merged[to++] = series;
    }
    merged.set(old.subarray(from), to);
    this.#replace(merged);
  }
}
