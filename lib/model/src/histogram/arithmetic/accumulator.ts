// Running compensated sums of native histograms: what `sum`, `avg`, `sum_over_time` and `avg_over_time` fold into.

import type { CounterResetHint, FloatHistogram } from "../../histogram.ts";
import { customBucketsSchema } from "../../histogram.ts";
import { exponentialBound, intersectCustomBounds, sameCustomBounds } from "../buckets/bounds.ts";
import { copyBuckets, newBuckets } from "../buckets/bucket-columns.ts";
import { bucketIndexes, sameIndexes } from "../buckets/layout.ts";
import {
  bucketsWithin,
  coarsenSide,
  emptySide,
  kahanAddSides,
  type Side,
} from "../buckets/side.ts";
import { borrowParts, reconcileZero, type ZeroParts } from "../buckets/zero-bucket.ts";
import { combineHints, spansFor, sumCustomSides } from "./add.ts";
import { kahanAddAt, kahanAddColumn } from "./kahan.ts";

/** What happened when a histogram was added to a running sum. */
export type AddResult = "added" | "reconciled" | "incompatible";

const zero = 0;
const count = 1;
const total = 2;

/** A mutable sum of histograms with the low bits that plain addition would lose. */
export class HistogramSum {
  #schema: number;
  #zeroThreshold: number;
  #hint: CounterResetHint;
  #customValues: Float64Array;
  #positive: Side;
  #negative: Side;
  #positiveSpans: FloatHistogram["positiveSpans"];
  #negativeSpans: FloatHistogram["negativeSpans"];
  /** Zero count, count and sum. */
  readonly #numbers: Float64Array;
  readonly #low = new Float64Array(3);
  /** Spans of a histogram added before whose buckets are those of the sum, none of them within the zero bucket. */
  #metPositive: FloatHistogram["positiveSpans"] | null = null;
  #metNegative: FloatHistogram["negativeSpans"] | null = null;

  /** Starts with a copy of `first`. */
  constructor(first: FloatHistogram) {
    this.#schema = first.schema;
    this.#zeroThreshold = first.zeroThreshold;
    this.#hint = first.counterResetHint;
    this.#customValues = first.customValues;
    this.#positiveSpans = first.positiveSpans;
    this.#negativeSpans = first.negativeSpans;
    this.#positive = ownSide(first.positiveSpans, first.positiveBuckets);
    this.#negative = ownSide(first.negativeSpans, first.negativeBuckets);
    this.#numbers = Float64Array.of(first.zeroCount, first.count, first.sum);
  }

  /** Adds a histogram. "incompatible" (exponential meets custom buckets) leaves the sum as it was. */
  add(other: FloatHistogram): AddResult {
    const custom = this.#schema === customBucketsSchema;
    if (custom !== (other.schema === customBucketsSchema)) return "incompatible";
    this.#hint = combineHints(this.#hint, other.counterResetHint);
    kahanAddAt(other.count, this.#numbers, this.#low, count);
    kahanAddAt(other.sum, this.#numbers, this.#low, total);
    if (custom) return this.#addCustom(other);
    this.#addExponential(other);
    return "added";
  }

  #addCustom(other: FloatHistogram): AddResult {
    const right = borrowParts(other).positive;
    if (sameCustomBounds(this.#customValues, other.customValues)) {
      this.#positive = kahanAddSides(this.#positive, right, 0);
      return "added";
    }
    const bounds = intersectCustomBounds(this.#customValues, other.customValues);
    this.#positive = sumCustomSides(
      this.#positive,
      this.#customValues,
      right,
      other.customValues,
      false,
      bounds,
    );
    this.#customValues = bounds;
    return "reconciled";
  }

  #addExponential(other: FloatHistogram): void {
    if (
      other.positiveSpans === this.#metPositive &&
      other.negativeSpans === this.#metNegative &&
      other.schema === this.#schema &&
      other.zeroThreshold === this.#zeroThreshold
    ) {
      kahanAddAt(other.zeroCount, this.#numbers, this.#low, zero);
      kahanAddColumn(other.positiveBuckets, this.#positive.counts, this.#positive.low!);
      kahanAddColumn(other.negativeBuckets, this.#negative.counts, this.#negative.low!);
      return;
    }
    const right = borrowParts(other);
    if (other.zeroThreshold === this.#zeroThreshold) {
      kahanAddAt(other.zeroCount, this.#numbers, this.#low, zero);
    } else {
      const met = reconcileZero(
        {
          schema: this.#schema,
          threshold: this.#zeroThreshold,
          count: this.#numbers[zero]!,
          low: this.#low[zero]!,
          positive: this.#positive,
          negative: this.#negative,
        },
        right,
      );
      this.#zeroThreshold = met.parts.threshold;
      this.#numbers[zero] = met.parts.count;
      this.#low[zero] = met.parts.low;
      this.#positive = met.parts.positive;
      this.#negative = met.parts.negative;
      kahanAddAt(met.other.count, this.#numbers, this.#low, zero);
      kahanAddAt(met.other.low, this.#numbers, this.#low, zero);
    }
    const schema = Math.min(this.#schema, other.schema);
    this.#positive = this.#addSide(this.#positive, right.positive, schema, other.schema);
    this.#negative = this.#addSide(this.#negative, right.negative, schema, other.schema);
    this.#schema = schema;
    this.#meet(other, right);
  }

  /** Remembers a layout that needs no more comparing. */
  #meet(other: FloatHistogram, right: ZeroParts): void {
    this.#metPositive = null;
    if (other.schema !== this.#schema || other.zeroThreshold !== this.#zeroThreshold) return;
    if (!this.#fits(this.#positive, right.positive)) return;
    if (!this.#fits(this.#negative, right.negative)) return;
    this.#metPositive = other.positiveSpans;
    this.#metNegative = other.negativeSpans;
  }

  #fits(own: Side, { indexes }: Side): boolean {
    if (!sameIndexes(own.indexes, indexes)) return false;
    return (
      indexes.length === 0 || exponentialBound(indexes[0]!, this.#schema) > this.#zeroThreshold
    );
  }

  #addSide(own: Side, other: Side, schema: number, otherSchema: number): Side {
    const left = coarsenSide(own, this.#schema - schema);
    if (other.indexes.length === 0) return left;
    const shift = otherSchema - schema;
    const right =
      shift === 0 ? other : coarsenSide({ ...other, low: newBuckets(other.counts.length) }, shift);
    return kahanAddSides(left, right, bucketsWithin(right.indexes, schema, this.#zeroThreshold));
  }

  /** Multiplies the sum and its low bits; a negative factor makes a gauge. */
  multiply(factor: number): void {
    this.#each((value) => value * factor);
    if (factor < 0) this.#hint = "gauge";
  }

  /** Divides the sum and its low bits. */
  divide(divisor: number): void {
    this.#each((value) => value / divisor);
    if (divisor < 0) this.#hint = "gauge";
  }

  #each(change: (value: number) => number): void {
    for (const side of [this.#positive, this.#negative]) {
      for (let i = 0; i < side.counts.length; i++) {
        side.counts[i] = change(side.counts[i]!);
        side.low![i] = change(side.low![i]!);
      }
    }
    for (let i = 0; i < 3; i++) {
      this.#numbers[i] = change(this.#numbers[i]!);
      this.#low[i] = change(this.#low[i]!);
    }
  }

  /** True if any number of the sum is infinite. */
  get overflown(): boolean {
    return (
      this.#numbers.some(isInfinite) ||
      this.#positive.counts.some(isInfinite) ||
      this.#negative.counts.some(isInfinite)
    );
  }

  /** An independent copy. */
  clone(): HistogramSum {
    const copy = new HistogramSum(this.#histogram(this.#numbers, this.#positive, this.#negative));
    copy.#positive = { ...copy.#positive, low: copyBuckets(this.#positive.low!) };
    copy.#negative = { ...copy.#negative, low: copyBuckets(this.#negative.low!) };
    copy.#low.set(this.#low);
    return copy;
  }

  /** The sum so far, low bits included, divided by `divisor`, with columns of its own. Not compacted. */
  value(divisor = 1): FloatHistogram {
    return this.#histogram(
      joined(this.#numbers, this.#low, divisor),
      { ...this.#positive, counts: joined(this.#positive.counts, this.#positive.low!, divisor) },
      { ...this.#negative, counts: joined(this.#negative.counts, this.#negative.low!, divisor) },
    );
  }

  #histogram(numbers: Float64Array, positive: Side, negative: Side): FloatHistogram {
    this.#positiveSpans = spansFor(positive, this.#positiveSpans);
    this.#negativeSpans = spansFor(negative, this.#negativeSpans);
    return {
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: numbers[zero]!,
      count: numbers[count]!,
      sum: numbers[total]!,
      positiveSpans: this.#positiveSpans,
      negativeSpans: this.#negativeSpans,
      positiveBuckets: positive.counts,
      negativeBuckets: negative.counts,
      customValues: this.#customValues,
      counterResetHint: this.#hint,
      integer: false,
    };
  }
}

function joined(high: Float64Array, low: Float64Array, divisor: number): Float64Array {
  const out = newBuckets(high.length);
  if (divisor === 1) for (let i = 0; i < out.length; i++) out[i] = high[i]! + low[i]!;
  else for (let i = 0; i < out.length; i++) out[i] = high[i]! / divisor + low[i]! / divisor;
  return out;
}

function isInfinite(value: number): boolean {
  return value === Infinity || value === -Infinity;
}

const emptySum: Side = { ...emptySide, low: newBuckets(0) };

function ownSide(spans: FloatHistogram["positiveSpans"], buckets: Float64Array): Side {
  if (buckets.length === 0) return emptySum;
  return {
    indexes: bucketIndexes(spans),
    counts: copyBuckets(buckets),
    low: newBuckets(buckets.length),
  };
}
