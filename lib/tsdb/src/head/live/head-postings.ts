// Which series of a head have which label: lists of series indexes by name and value.
import {
  compareStrings,
  decodeText,
  type LabelBytes,
  LabelCursor,
  type Matcher,
} from "@deucalion/model";
import {
  intersectPostings,
  mergePostings,
  noPostings,
  subtractPostings,
} from "../../index/postings.ts";

/** A growing list: one number by itself, more in an array of which `count` are used. */
interface List {
  data: Uint32Array;
  count: number;
  sorted: boolean;
}

type Entry = number | List;

/** Lists by label. Names and values are strings, one for each that is different. */
export class HeadPostings {
  readonly #names = new Map<string, Map<string, Entry>>();
  readonly #cursor = new LabelCursor();
  #pairs = 0;

  /** Label pairs that some series has. */
  get pairCount(): number {
    return this.#pairs;
  }

  names(): string[] {
    return [...this.#names.keys()].sort(compareStrings);
  }

  /** True if some series has the label. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  values(name: string): IterableIterator<string> {
    return (this.#names.get(name) ?? new Map<string, Entry>()).keys();
  }

  /** Series with each value of a name. */
  counts(name: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [value, entry] of this.#names.get(name) ?? []) {
      counts.set(value, typeof entry === "number" ? 1 : entry.count);
    }
    return counts;
  }

  add(series: number, labels: LabelBytes): void {
    const cursor = this.#cursor.reset(labels);
    while (cursor.next()) {
      const name = decodeText(labels.data, cursor.nameStart, cursor.nameEnd);
      const value = decodeText(labels.data, cursor.valueStart, cursor.valueEnd);
      let values = this.#names.get(name);
      if (values === undefined) {
        values = new Map();
        this.#names.set(name, values);
      }
      const entry = values.get(value);
      if (entry === undefined) {
        values.set(value, series);
        this.#pairs++;
      } else if (typeof entry === "number") {
        const data = Uint32Array.of(Math.min(entry, series), Math.max(entry, series), 0, 0);
        values.set(value, { data, count: 2, sorted: true });
      } else {
        if (entry.count === entry.data.length) {
          const data = new Uint32Array(entry.count + (entry.count >>> 1) + 4);
          data.set(entry.data);
          entry.data = data;
        }
        if (series < entry.data[entry.count - 1]!) entry.sorted = false;
        entry.data[entry.count++] = series;
      }
    }
  }

  /** Takes series out of the lists of their labels. */
  remove(gone: ReadonlySet<number>, labelsOf: (series: number) => LabelBytes): void {
    const touched = new Map<string, Set<string>>();
    for (const series of gone) {
      const labels = labelsOf(series);
      const cursor = this.#cursor.reset(labels);
      while (cursor.next()) {
        const name = decodeText(labels.data, cursor.nameStart, cursor.nameEnd);
        const value = decodeText(labels.data, cursor.valueStart, cursor.valueEnd);
        const values = touched.get(name);
        if (values === undefined) touched.set(name, new Set([value]));
        else values.add(value);
      }
    }
    for (const [name, some] of touched) {
      const values = this.#names.get(name)!;
      for (const value of some) this.#removeFrom(values, value, gone);
      if (values.size === 0) this.#names.delete(name);
    }
  }

  #removeFrom(values: Map<string, Entry>, value: string, gone: ReadonlySet<number>): void {
    const entry = values.get(value);
    if (entry === undefined) return;
    let left = 0;
    if (typeof entry === "number") left = gone.has(entry) ? 0 : 1;
    else {
      // Lists may be in the hands of a query: a new one takes the place.
      const kept = entry.data.subarray(0, entry.count).filter((series) => !gone.has(series));
      left = kept.length;
      if (left > 1) values.set(value, { data: kept, count: left, sorted: entry.sorted });
      else if (left === 1) values.set(value, kept[0]!);
    }
    if (left > 0) return;
    values.delete(value);
    this.#pairs--;
  }

  #list(entry: Entry | undefined): Uint32Array {
    if (entry === undefined) return noPostings;
    if (typeof entry === "number") return Uint32Array.of(entry);
    if (!entry.sorted) {
      entry.data = entry.data.slice(0, entry.count).sort();
      entry.sorted = true;
    }
    return entry.data.subarray(0, entry.count);
  }

  /** Indexes of the series that match, ascending. `all` gives every series. */
  select(matchers: readonly Matcher[], all: () => Uint32Array): Uint32Array {
    const kept: Uint32Array[] = [];
    const removed: Uint32Array[] = [];
    for (const matcher of matchers) {
      const keep = !matcher.matchesEmpty;
      const values = this.#names.get(matcher.name);
      if (values === undefined) {
        if (keep) return noPostings;
        continue;
      }
      const list = this.#matching(matcher, keep, values);
      if (!keep) removed.push(list);
      else if (list.length === 0) return noPostings;
      else kept.push(list);
    }
    kept.sort((a, b) => a.length - b.length);
    let result = kept[0] ?? all();
    for (const other of kept.slice(1)) result = intersectPostings(result, other);
    for (const other of removed) result = subtractPostings(result, other);
    return result;
  }

  /** Series whose value matches (`keep`) or does not match. */
  #matching(matcher: Matcher, keep: boolean, values: ReadonlyMap<string, Entry>): Uint32Array {
    const literals = matcher.regex === null ? [matcher.value] : matcher.regex.literals;
    const positive = matcher.type === "=" || matcher.type === "=~";
    const lists: Uint32Array[] = [];
    if (literals !== null && positive === keep) {
      for (const value of new Set(literals)) lists.push(this.#list(values.get(value)));
    } else {
      for (const [value, entry] of values) {
        if (matcher.matches(value) === keep) lists.push(this.#list(entry));
      }
    }
    return mergePostings(lists);
  }
}
