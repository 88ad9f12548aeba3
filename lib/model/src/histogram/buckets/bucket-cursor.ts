// Walking over the buckets of a native histogram with their bounds.
import type { FloatHistogram } from "../../histogram.ts";
import { usesCustomBuckets } from "../arithmetic/add.ts";
import { bucketBound } from "./bounds.ts";
import { bucketIndexes } from "./layout.ts";

/** Which buckets, and in which order: by value, or outwards from zero (`positive`, `negative`). */
export type BucketOrder = "ascending" | "descending" | "positive" | "negative";

const noIndexes = new Int32Array(0);
const noCounts = new Float64Array(0);

/**
 * `next()` moves to the next bucket, empty ones included; the fields speak of the bucket moved to.
 * "ascending" and "descending" cover both sides and the zero bucket (where populated), and cut buckets that reach into
 * the zero bucket at its edge; the one-sided orders give bounds as they are.
 */
export class BucketCursor {
  count = 0;
  readonly #h: FloatHistogram;
  readonly #cut: boolean;
  /** The two sides in the order of walking, the zero bucket between them. */
  readonly #first: Int32Array;
  readonly #firstCounts: Float64Array;
  readonly #second: Int32Array;
  readonly #secondCounts: Float64Array;
  /** Steps taken; −1 before the first. */
  #at = -1;
  readonly #firstPositive: boolean;
  readonly #zero: boolean;

  constructor(h: FloatHistogram, order: BucketOrder) {
    this.#h = h;
    const both = order === "ascending" || order === "descending";
    const up = order === "ascending";
    const positive = bucketIndexes(h.positiveSpans);
    const negative = bucketIndexes(h.negativeSpans);
    this.#cut = both;
    this.#zero = both && h.zeroCount > 0 && !usesCustomBuckets(h);
    this.#firstPositive = order === "descending";
    const withFirst = both;
    this.#first = withFirst ? (up ? negative : positive) : noIndexes;
    this.#firstCounts = withFirst ? (up ? h.negativeBuckets : h.positiveBuckets) : noCounts;
    const secondPositive = order === "ascending" || order === "positive";
    this.#second = secondPositive ? positive : negative;
    this.#secondCounts = secondPositive ? h.positiveBuckets : h.negativeBuckets;
  }

  /** False at the end. */
  next(): boolean {
    const at = ++this.#at;
    const first = this.#first.length;
    if (at < first) {
      this.count = this.#firstCounts[first - 1 - at]!;
      return true;
    }
    let rest = at - first;
    if (this.#zero) {
      if (rest === 0) {
        this.count = this.#h.zeroCount;
        return true;
      }
      rest--;
    }
    if (rest >= this.#second.length) return false;
    this.count = this.#secondCounts[rest]!;
    return true;
  }

  /** True at the zero bucket. */
  get isZero(): boolean {
    return this.#zero && this.#at === this.#first.length;
  }

  /** True at a bucket of the positive side. */
  get isPositive(): boolean {
    if (this.#at < this.#first.length) return this.#firstPositive;
    return this.#second.length > 0 && this.#secondIsPositive;
  }

  get #secondIsPositive(): boolean {
    return this.#cut ? !this.#firstPositive : this.#secondCounts === this.#h.positiveBuckets;
  }

  /** Index within the schema; of no meaning for the zero bucket. */
  get index(): number {
    const first = this.#first.length;
    if (this.#at < first) return this.#first[first - 1 - this.#at]!;
    return this.#second[this.#at - first - (this.#zero ? 1 : 0)] ?? 0;
  }

  get lower(): number {
    const h = this.#h;
    if (this.isZero) return -h.zeroThreshold;
    return this.isPositive ? this.#edge(this.index - 1, 1, 1) : this.#edge(this.index, -1, -1);
  }

  get upper(): number {
    const h = this.#h;
    if (this.isZero) return h.zeroThreshold;
    return this.isPositive ? this.#edge(this.index, 1, -1) : this.#edge(this.index - 1, -1, 1);
  }

  /** The bound `sign × bound(index)`; the edge towards zero (`inner` = 1) is not within the zero bucket. */
  #edge(index: number, sign: number, inner: number): number {
    const h = this.#h;
    const bound = bucketBound(index, h.schema, h.customValues);
    if (this.#cut && inner === 1 && bound > 0 && bound < h.zeroThreshold) {
      return sign * h.zeroThreshold;
    }
    return sign * bound;
  }

  get lowerInclusive(): boolean {
    if (this.isZero) return true;
    return usesCustomBuckets(this.#h) ? this.index === 0 : !this.isPositive;
  }

  get upperInclusive(): boolean {
    return this.isZero || this.isPositive;
  }
}
