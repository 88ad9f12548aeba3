// Sums and means of native histograms for aggregations and for sum_over_time and avg_over_time.
import {
  type AddResult,
  compactHistogram,
  type FloatHistogram,
  HistogramMean,
  HistogramSum,
} from "@deucalion/model";

/**
 * Folds histograms into their sum or mean. The caller turns what `add` returns into annotations
 * ("incompatible": mixed exponential and custom buckets, no result; "reconciled": mismatched custom buckets), and
 * warns of colliding counter resets where `hintsCollided`.
 */
export class HistogramFold {
  readonly #fold: HistogramSum | HistogramMean;
  #reset = false;
  #notReset = false;

  constructor(kind: "sum" | "avg", first: FloatHistogram) {
    this.#fold = kind === "sum" ? new HistogramSum(first) : new HistogramMean(first);
    this.#track(first);
  }

  #track(h: FloatHistogram): void {
    if (h.counterResetHint === "reset") this.#reset = true;
    else if (h.counterResetHint === "not_reset") this.#notReset = true;
  }

  add(h: FloatHistogram): AddResult {
    this.#track(h);
    return this.#fold.add(h);
  }

  /** Some histograms were marked as resets and others as none. */
  get hintsCollided(): boolean {
    return this.#reset && this.#notReset;
  }

  /** Not compacted, as `…_over_time` returns it. */
  value(): FloatHistogram {
    return this.#fold.value();
  }

  /** Compacted, as aggregations return it. */
  compacted(): FloatHistogram {
    return compactHistogram(this.#fold.value());
  }
}
