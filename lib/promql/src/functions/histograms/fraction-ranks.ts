// How many observations of a histogram lie below two values: what a fraction is made of, for classic and native ones alike.

/** Shown the buckets from the lowest on, until both ranks are known. */
export class FractionRanks {
  readonly #from: number;
  readonly #to: number;
  #fromRank: number | null = null;
  #toRank: number | null = null;

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  /**
   * Looks at the bucket from `lower` to `upper` with `rank` observations below it; `rankOf` tells how many are below a value
   * within it. True once nothing more needs to be looked at.
   */
  see(lower: number, upper: number, rank: number, rankOf: (value: number) => number): boolean {
    this.#fromRank ??= rankIn(this.#from, lower, upper, rank, rankOf);
    this.#toRank ??= rankIn(this.#to, lower, upper, rank, rankOf);
    return this.#fromRank !== null && this.#toRank !== null;
  }

  /** Observations between the two values, `count` being all that buckets hold. */
  between(count: number): number {
    return atMost(this.#toRank, count) - atMost(this.#fromRank, count);
  }
}

/** Null where the value lies beyond the bucket. */
function rankIn(
  value: number,
  lower: number,
  upper: number,
  rank: number,
  rankOf: (value: number) => number,
): number | null {
  if (lower >= value) return rank;
  return lower < value && upper > value ? rankOf(value) : null;
}

function atMost(rank: number | null, count: number): number {
  return rank === null || rank > count ? count : rank;
}
