// Gives series of a Prometheus their external labels, and tells how far their order can be trusted.
import {
  compareStrings,
  decodeText,
  encodeLabel,
  type LabelBytes,
  LabelCursor,
  type Labels,
} from "@deucalion/model";

/** A complete label set, and the part of it that no later series can come before. */
export interface CompleteLabels {
  readonly labels: LabelBytes;
  readonly bound: LabelBytes;
}

/**
 * Sets external labels (over the series' own) and leaves out replica labels.
 *
 * Prometheus sends series ordered by their own labels. With external labels among them the order changes only where
 * one series has all the labels of another and one more that sorts before an external label: a later series is never
 * less than what is left of an earlier one without the external labels behind its last own label. That is `bound`.
 * Where series may have own labels of such names (`overridden`), the bound is what stands before all those names.
 * One order is not kept: a stored label that is left out and was the last of its series makes that series a mere
 * beginning of earlier ones; it comes after them.
 */
export class LabelCompleter {
  readonly #external: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly #dropped: ReadonlySet<string>;
  readonly #firstTouched: string | null;
  readonly #cursor = new LabelCursor();

  constructor(external: Labels, withoutLabels: readonly string[], overridden: boolean) {
    const without = new Set(withoutLabels);
    this.#external = [...external]
      .filter(([name]) => !without.has(name))
      .map(([name, value]) => ({ name, bytes: encodeLabel(name, value) }));
    this.#dropped = new Set([...without, ...[...external].map(([name]) => name)]);
    this.#firstTouched = overridden ? ([...this.#dropped].sort(compareStrings)[0] ?? null) : null;
  }

  complete(own: LabelBytes): CompleteLabels {
    const parts: Uint8Array[] = [];
    let next = 0;
    let bytes = 0;
    let bound = -1;
    let lastOwn = 0;
    const add = (part: Uint8Array): void => {
      parts.push(part);
      bytes += part.length;
    };
    const cursor = this.#cursor.reset(own);
    let from = own.start;
    while (cursor.next()) {
      const end = Math.max(cursor.nameEnd, cursor.valueEnd);
      const name = decodeText(own.data, cursor.nameStart, cursor.nameEnd);
      while (next < this.#external.length && compareStrings(this.#external[next]!.name, name) < 0) {
        add(this.#external[next++]!.bytes);
      }
      if (this.#firstTouched !== null && bound < 0 && compareStrings(name, this.#firstTouched) >= 0)
        bound = lastOwn;
      if (!this.#dropped.has(name)) {
        add(own.data.subarray(from, end));
        lastOwn = bytes;
      }
      from = end;
    }
    if (bound < 0) bound = lastOwn;
    while (next < this.#external.length) add(this.#external[next++]!.bytes);
    const data = new Uint8Array(bytes);
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    return { labels: { data, start: 0, end: bytes }, bound: { data, start: 0, end: bound } };
  }
}
