// Gives series of a Prometheus their external labels, and tells how far their order can be trusted.
import {
  compareBytes,
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

/** Complete labels of many series share a buffer of so many bytes; they are immutable once handed out. */
const pageBytes = 64 * 1024;

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
  readonly #external: readonly { readonly name: Uint8Array; readonly bytes: Uint8Array }[];
  readonly #externalBytes: number;
  /** Names that series lose, ordered. */
  readonly #dropped: readonly Uint8Array[];
  readonly #firstTouched: Uint8Array | null;
  readonly #cursor = new LabelCursor();
  #page = new Uint8Array(0);
  #at = 0;

  constructor(external: Labels, withoutLabels: readonly string[], overridden: boolean) {
    const text = new TextEncoder();
    const without = new Set(withoutLabels);
    this.#external = [...external]
      .filter(([name]) => !without.has(name))
      .map(([name, value]) => ({ name: text.encode(name), bytes: encodeLabel(name, value) }));
    this.#externalBytes = this.#external.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.#dropped = [...new Set([...without, ...[...external].map(([name]) => name)])]
      .map((name) => text.encode(name))
      .sort((a, b) => compareBytes(a, 0, a.length, b, 0, b.length));
    this.#firstTouched = overridden ? (this.#dropped[0] ?? null) : null;
  }

  /** The result stays what it is; `own` may be written to afterwards. */
  complete(own: LabelBytes): CompleteLabels {
    const external = this.#external;
    const touched = this.#firstTouched;
    const { data } = own;
    const start = this.#reserve(own.end - own.start + this.#externalBytes);
    let next = 0;
    let bound = -1;
    let lastOwn = start;
    const cursor = this.#cursor.reset(own);
    // Own labels from here up to `from` are kept and not copied yet.
    let run = own.start;
    let from = own.start;
    while (cursor.next()) {
      const { nameStart, nameEnd } = cursor;
      const end = Math.max(nameEnd, cursor.valueEnd);
      while (next < external.length) {
        const { name, bytes } = external[next]!;
        if (compareBytes(name, 0, name.length, data, nameStart, nameEnd) >= 0) break;
        this.#copy(data, run, from);
        run = from;
        this.#copy(bytes, 0, bytes.length);
        next++;
      }
      if (touched !== null && bound < 0) {
        if (compareBytes(data, nameStart, nameEnd, touched, 0, touched.length) >= 0)
          bound = lastOwn;
      }
      if (this.#drops(data, nameStart, nameEnd)) {
        this.#copy(data, run, from);
        run = end;
      } else lastOwn = this.#at + end - run;
      from = end;
    }
    this.#copy(data, run, from);
    if (bound < 0) bound = lastOwn;
    for (; next < external.length; next++) {
      const { bytes } = external[next]!;
      this.#copy(bytes, 0, bytes.length);
    }
    const page = this.#page;
    return {
      labels: { data: page, start, end: this.#at },
      bound: { data: page, start, end: bound },
    };
  }

  /** Where so many bytes can be written. */
  #reserve(bytes: number): number {
    if (this.#at + bytes > this.#page.length) {
      this.#page = new Uint8Array(Math.max(pageBytes, bytes));
      this.#at = 0;
    }
    return this.#at;
  }

  #copy(data: Uint8Array, start: number, end: number): void {
    const page = this.#page;
    let to = this.#at;
    for (let i = start; i < end; i++) page[to++] = data[i]!;
    this.#at = to;
  }

  #drops(data: Uint8Array, start: number, end: number): boolean {
    for (const name of this.#dropped) {
      if (name.length !== end - start) continue;
      let i = 0;
      while (i < name.length && name[i] === data[start + i]) i++;
      if (i === name.length) return true;
    }
    return false;
  }
}
