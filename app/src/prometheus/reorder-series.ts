// Puts series in the order of their complete labels, holding no more than the order leaves open.
import { compareLabelBytes, type LabelBytes } from "@deucalion/model";

interface Held<T> {
  readonly labels: LabelBytes;
  readonly item: T;
}

/** Takes series with a bound that no later series goes below, and gives them out in label order. */
export class ReorderSeries<T> {
  #held: Held<T>[] = [];
  readonly #emit: (labels: LabelBytes, item: T) => void;

  constructor(emit: (labels: LabelBytes, item: T) => void) {
    this.#emit = emit;
  }

  push(labels: LabelBytes, bound: LabelBytes, item: T): void {
    const held = this.#held;
    let ready = 0;
    while (ready < held.length && compareLabelBytes(held[ready]!.labels, bound) < 0) ready++;
    if (ready > 0) for (const one of held.splice(0, ready)) this.#emit(one.labels, one.item);
    let at = held.length;
    while (at > 0 && compareLabelBytes(held[at - 1]!.labels, labels) > 0) at--;
    held.splice(at, 0, { labels, item });
  }

  /** Gives out what is left. */
  flush(): void {
    for (const one of this.#held) this.#emit(one.labels, one.item);
    this.#held = [];
  }
}
