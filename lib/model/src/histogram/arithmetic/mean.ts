// The mean of native histograms: a compensated sum as long as nothing overflows, then an incremental mean.
import type { FloatHistogram } from "../../histogram.ts";
import { type AddResult, HistogramSum } from "./accumulator.ts";
import { divideHistogram } from "./scale.ts";

/** Sums below this cannot overflow by one more addition, so that no copy has to be kept. */
const safeMagnitude = 1e307;

function magnitude(h: FloatHistogram): number {
  let most = Math.max(Math.abs(h.count), Math.abs(h.sum), Math.abs(h.zeroCount));
  if (Number.isNaN(most)) most = Math.max(Math.abs(h.count), Math.abs(h.zeroCount));
  for (let i = 0; i < h.positiveBuckets.length; i++) {
    if (h.positiveBuckets[i]! > most) most = h.positiveBuckets[i]!;
  }
  for (let i = 0; i < h.negativeBuckets.length; i++) {
    if (h.negativeBuckets[i]! > most) most = h.negativeBuckets[i]!;
  }
  return most;
}

/** A running mean of histograms, computed as Prometheus does. */
export class HistogramMean {
  #sum: HistogramSum;
  #count = 1;
  #incremental = false;
  /** No number in the sum can be larger. */
  #most: number;

  constructor(first: FloatHistogram) {
    this.#sum = new HistogramSum(first);
    this.#most = magnitude(first);
  }

  /** Adds a histogram. After "incompatible" the mean must not be used. */
  add(other: FloatHistogram): AddResult {
    this.#count++;
    let result: AddResult = "added";
    if (!this.#incremental) {
      this.#most += magnitude(other);
      // Widening a zero bucket, or merging buckets, adds counts of the same histogram: leave a wide margin.
      const safe = this.#most < safeMagnitude;
      const before = safe ? null : this.#sum.clone();
      result = this.#sum.add(other);
      if (result === "incompatible" || before === null || !this.#sum.overflown) return result;
      this.#incremental = true;
      this.#sum = before;
      this.#sum.divide(this.#count - 1);
    }
    this.#sum.multiply((this.#count - 1) / this.#count);
    const added = this.#sum.add(divideHistogram(other, this.#count));
    return result === "reconciled" ? result : added;
  }

  /** The mean so far. Not compacted. */
  value(): FloatHistogram {
    return this.#sum.value(this.#incremental ? 1 : this.#count);
  }
}
