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
} from "../../../index/postings.ts";
import { LastView } from "./hash-labels.ts";
import { LabelPairs } from "./label-pairs.ts";
import { LabelsBefore, labelEnd } from "./labels-before.ts";

/** A list of more than one series, of which `count` places are used. */
interface List {
  data: Uint32Array;
  count: number;
  sorted: boolean;
}

/** Lists by label. Names and values are strings, one for each that is different; series are added by bytes. */
export class HeadPostings {
  /** Numbers of label pairs by name and value. */
  readonly #names = new Map<string, Map<string, number>>();
  readonly #pairs = new LabelPairs();
  /** By pair: the only series, or a list. */
  #single = new Uint32Array(256);
  readonly #lists: (List | null)[] = [];
  readonly #cursor = new LabelCursor();
  readonly #view = new LastView();
  readonly #before = new LabelsBefore();

  /** Label pairs that some series has. */
  get pairCount(): number {
    return this.#pairs.count;
  }

  names(): string[] {
    return [...this.#names.keys()].sort(compareStrings);
  }

  /** True if some series has the label. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  values(name: string): IterableIterator<string> {
    return (this.#names.get(name) ?? new Map<string, number>()).keys();
  }

  /** One of the series with a label, −1 if none has it. */
  first(name: string, value: string): number {
    const pair = this.#names.get(name)?.get(value);
    if (pair === undefined) return -1;
    return this.#lists[pair]?.data[0] ?? this.#single[pair]!;
  }

  /** Series with each value of a name. */
  counts(name: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [value, pair] of this.#names.get(name) ?? []) {
      counts.set(value, this.#lists[pair]?.count ?? 1);
    }
    return counts;
  }

  /** The labels are well-formed, and stay what they are as long as somebody holds them. */
  add(series: number, labels: LabelBytes): void {
    const { data, end: last } = labels;
    const before = this.#before;
    const view = this.#view.of(data);
    let i = 0;
    let from = labels.start;
    for (; from < last; i++) {
      const end = labelEnd(data, from);
      let pair = before.find(i, view, from, end);
      if (pair >= 0) this.#append(pair, series);
      else {
        const hash = this.#pairs.hashOf(data, from, end);
        pair = this.#pairs.find(data, from, end, hash);
        if (pair >= 0) this.#append(pair, series);
        else {
          pair = this.#pairs.add(data, from, end, hash);
          this.#begin(pair, series, data, from, end);
        }
      }
      before.set(i, from, end, pair);
      from = end;
    }
    before.end(i, view);
  }

  #begin(pair: number, series: number, data: Uint8Array, from: number, end: number): void {
    const cursor = this.#cursor;
    cursor.over(data, from, end);
    cursor.next();
    const name = decodeText(data, cursor.nameStart, cursor.nameEnd);
    const value = decodeText(data, cursor.valueStart, cursor.valueEnd);
    let values = this.#names.get(name);
    if (values === undefined) {
      values = new Map();
      this.#names.set(name, values);
    }
    values.set(value, pair);
    if (pair >= this.#single.length) {
      const larger = new Uint32Array(2 * this.#single.length);
      larger.set(this.#single);
      this.#single = larger;
    }
    this.#single[pair] = series;
    this.#lists[pair] = null;
  }

  #append(pair: number, series: number): void {
    const list = this.#lists[pair];
    if (list === null || list === undefined) {
      const only = this.#single[pair]!;
      const data = Uint32Array.of(Math.min(only, series), Math.max(only, series), 0, 0);
      this.#lists[pair] = { data, count: 2, sorted: true };
      return;
    }
    if (list.count === list.data.length) {
      const data = new Uint32Array(list.count + (list.count >>> 1) + 4);
      data.set(list.data);
      list.data = data;
    }
    if (series < list.data[list.count - 1]!) list.sorted = false;
    list.data[list.count++] = series;
  }

  /** Takes series out of the lists of their labels. */
  remove(gone: ReadonlySet<number>, labelsOf: (series: number) => LabelBytes): void {
    this.#before.forget();
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

  #removeFrom(values: Map<string, number>, value: string, gone: ReadonlySet<number>): void {
    const pair = values.get(value);
    if (pair === undefined) return;
    const list = this.#lists[pair] ?? null;
    let left = 0;
    if (list === null) left = gone.has(this.#single[pair]!) ? 0 : 1;
    else {
      // Lists may be in the hands of a query: a new one takes the place.
      const kept = list.data.subarray(0, list.count).filter((series) => !gone.has(series));
      left = kept.length;
      if (left > 1) this.#lists[pair] = { data: kept, count: left, sorted: list.sorted };
      else if (left === 1) {
        this.#single[pair] = kept[0]!;
        this.#lists[pair] = null;
      }
    }
    if (left > 0) return;
    values.delete(value);
    this.#lists[pair] = null;
    this.#pairs.remove(pair);
  }

  #list(pair: number | undefined): Uint32Array {
    if (pair === undefined) return noPostings;
    const list = this.#lists[pair];
    if (list === null || list === undefined) return Uint32Array.of(this.#single[pair]!);
    if (!list.sorted) {
      list.data = list.data.slice(0, list.count).sort();
      list.sorted = true;
    }
    return list.data.subarray(0, list.count);
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
  #matching(matcher: Matcher, keep: boolean, values: ReadonlyMap<string, number>): Uint32Array {
    const literals = matcher.regex === null ? [matcher.value] : matcher.regex.literals;
    const positive = matcher.type === "=" || matcher.type === "=~";
    const lists: Uint32Array[] = [];
    if (literals !== null && positive === keep) {
      for (const value of new Set(literals)) lists.push(this.#list(values.get(value)));
    } else {
      for (const [value, pair] of values) {
        if (matcher.matches(value) === keep) lists.push(this.#list(pair));
      }
    }
    return mergePostings(lists);
  }
}
