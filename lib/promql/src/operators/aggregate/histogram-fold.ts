// Sums and means of native histograms for `sum` and `avg`.
import {
  type AddResult,
  compactHistogram,
  type FloatHistogram,
  HistogramMean,
  HistogramSum,
} from "@deucalion/model";

/** Folds histograms into their sum or mean and notes whether their hints contradict each other. */
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

  /** "incompatible": exponential and custom buckets do not add up; "reconciled": custom bounds were cut down. */
  add(h: FloatHistogram): AddResult {
    this.#track(h);
    return this.#fold.add(h);
  }

  /** Some histograms were marked as resets and others as none. */
  get hintsCollided(): boolean {
    return this.#reset && this.#notReset;
  }

  /** The result, compacted. */
  compacted(): FloatHistogram {
    return compactHistogram(this.#fold.value());
  }
}
