// The newest exemplars of a head, up to a limit.
import type { Labels } from "@deucalion/model";

export interface HeadExemplar {
  readonly series: number;
  /** Milliseconds. */
  readonly time: number;
  readonly value: number;
  readonly labels: Labels;
}

/** Why an exemplar was not taken, or "ok" and "same". */
export type ExemplarVerdict = "ok" | "same" | "duplicate" | "out-of-order" | "too-long" | "off";

/** Runes that names and values of one exemplar may have together. */
const runesMax = 128;

/** A ring: the oldest goes when it is full. */
export class ExemplarRing {
  readonly #max: number;
  #ring: HeadExemplar[] = [];
  #next = 0;
  readonly #last = new Map<number, HeadExemplar>();

  constructor(max: number) {
    this.#max = max;
  }

  get max(): number {
    return this.#max;
  }

  judge(series: number, time: number, value: number, labels: Labels): ExemplarVerdict {
    if (this.#max <= 0) return "off";
    let runes = 0;
    for (const text of labels.pairs) runes += [...text].length;
    if (runes > runesMax) return "too-long";
    const last = this.#last.get(series);
    if (last === undefined) return "ok";
    const same =
      last.time === time && Object.is(last.value, value) && last.labels.key === labels.key;
    if (same) return "same";
    if (time < last.time) {
      return this.#ring.some(
        (one) => one.series === series && one.time === time && one.labels.key === labels.key,
      )
        ? "same"
        : "out-of-order";
    }
    if (time === last.time && value < last.value) return "out-of-order";
    return "ok";
  }

  add(exemplar: HeadExemplar): void {
    if (this.#max <= 0) return;
    const old = this.#ring[this.#next];
    if (old !== undefined && this.#last.get(old.series) === old) this.#last.delete(old.series);
    this.#ring[this.#next] = exemplar;
    this.#next = (this.#next + 1) % this.#max;
    this.#last.set(exemplar.series, exemplar);
  }

  /** Exemplars of a series in a time range, ascending. */
  of(wanted: (series: number) => boolean, minTime: number, maxTime: number): HeadExemplar[] {
    return this.#ring
      .filter((one) => one.time >= minTime && one.time <= maxTime && wanted(one.series))
      .sort((a, b) => a.series - b.series || a.time - b.time);
  }

  /** Drops the exemplars of removed series. */
  forget(gone: ReadonlySet<number>): void {
    if (this.#ring.length === 0) return;
    const kept = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].filter(
      (one) => !gone.has(one.series),
    );
    this.#ring = kept;
    this.#next = kept.length % Math.max(1, this.#max);
    for (const series of gone) this.#last.delete(series);
  }
}
