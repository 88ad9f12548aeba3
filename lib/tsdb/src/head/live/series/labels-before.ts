// The labels of the series that was indexed last: series that come together have most of their labels in common.
import { LabelCursor } from "@deucalion/model";
import { equalRange } from "./hash-labels.ts";

/** Labels that are looked at; further ones are looked up. */
const labelsMax = 64;

/** Where the label that begins at `from` ends. */
export function labelEnd(data: Uint8Array, from: number): number {
  const length = data[from + 1]!;
  if (length < 128) return from + 2 + length;
  const cursor = new LabelCursor();
  cursor.over(data, from, data.length);
  cursor.next();
  return Math.max(cursor.nameEnd, cursor.valueEnd);
}

/** Numbers of the label pairs of one series, by place. */
export class LabelsBefore {
  #view: DataView = new DataView(new ArrayBuffer(0));
  readonly #starts = new Uint32Array(labelsMax);
  readonly #lengths = new Uint32Array(labelsMax);
  readonly #pairs = new Int32Array(labelsMax);
  #count = 0;

  /** The pair of label `i`, if that was the same as `view[from, end)`; else −1. */
  find(i: number, view: DataView, from: number, end: number): number {
    if (i >= this.#count || this.#lengths[i] !== end - from) return -1;
    const start = this.#starts[i]!;
    const before = this.#view;
    // Values differ more often than names, and towards the end. A label has six bytes or more.
    const last = start + end - from - 4;
    if (view.getInt32(end - 4, true) !== before.getInt32(last, true)) return -1;
    return equalRange(view, from, end, before, start) ? this.#pairs[i]! : -1;
  }

  /** Notes label `i`; `find` has been asked for it, and is not asked for it again before `end`. */
  set(i: number, from: number, end: number, pair: number): void {
    if (i >= labelsMax) return;
    this.#starts[i] = from;
    this.#lengths[i] = end - from;
    this.#pairs[i] = pair;
  }

  /** All `count` labels have been noted; they lie in `view`. */
  end(count: number, view: DataView): void {
    this.#count = Math.min(count, labelsMax);
    this.#view = view;
  }

  /** Numbers of pairs are about to change. */
  forget(): void {
    this.#count = 0;
  }
}
