// The postings offset table of an index of version 1: unsorted, so it is held whole.
import { compareStrings, decodeText } from "@deucalion/model";
import { indexError } from "./layout.ts";
import type { PagedFile } from "./page-cache.ts";
import type { EntryVisitor, PostingsOffsets } from "./postings-offsets.ts";
import type { PostingsRanges } from "./postings-ranges.ts";
import { verifyTable } from "./postings-table.ts";
import { TableScanner } from "./table-scanner.ts";

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly start: number;
  end: number;
}

/** All entries, by name and sorted by value. */
export class PostingsTableV1 implements PostingsOffsets {
  readonly #names: ReadonlyMap<string, readonly Entry[]>;

  private constructor(names: ReadonlyMap<string, readonly Entry[]>) {
    this.#names = names;
  }

  /** As `PostingsTable.open`. */
  static async open(file: PagedFile, at: number, listsEnd: number): Promise<PostingsTableV1> {
    const { start, end, count } = await verifyTable(file, at);
    const scanner = new TableScanner(file, start, end, 256 << 10);
    const text = (): string => {
      const length = scanner.uvarint();
      const from = scanner.take(length);
      return decodeText(scanner.data, from, from + length);
    };
    const entries: Entry[] = [];
    for (let i = 0; i < count; i++) {
      if (scanner.uvarint() !== 2) throw indexError("read postings table: not a pair");
      entries.push({ name: text(), value: text(), start: scanner.uvarint(), end: listsEnd });
    }
    if (scanner.position !== end) throw indexError("read postings table: entries do not fit");
    entries.sort((a, b) => a.start - b.start);
    for (let i = 1; i < count; i++) entries[i - 1]!.end = entries[i]!.start;
    entries.sort((a, b) => compareStrings(a.name, b.name) || compareStrings(a.value, b.value));
    const names = new Map<string, Entry[]>();
    for (const entry of entries) {
      const list = names.get(entry.name);
      if (list === undefined) names.set(entry.name, [entry]);
      else list.push(entry);
    }
    return new PostingsTableV1(names);
  }

  labelNames(): string[] {
    return [...this.#names.keys()].filter((name) => name !== "").sort(compareStrings);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  valueCount(name: string): number {
    return this.#names.get(name)?.length ?? 0;
  }

  labelValues(name: string): string[] {
    return (this.#names.get(name) ?? []).map((entry) => entry.value);
  }

  scan(name: string, prefix: string, visit: EntryVisitor): void {
    for (const { value, start, end } of this.#names.get(name) ?? [])
      if (value.startsWith(prefix) && !visit(value, start, end)) return;
  }

  rangesOf(name: string, values: readonly string[], out: PostingsRanges): void {
    const wanted = new Set(values);
    for (const { value, start, end } of this.#names.get(name) ?? [])
      if (wanted.has(value)) out.push(start, end);
  }

  allPostings(): { start: number; end: number } {
    const entry = this.#names.get("")?.[0];
    if (entry === undefined) throw indexError("postings table has no list of all series");
    return entry;
  }
}
