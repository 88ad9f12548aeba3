// The postings offset table: which label values there are, and where the list of each one's series lies.
//
// BE32 length, BE32 count, count × (2, uvarint-string name, uvarint-string value, uvarint offset), CRC-32C.
import { ByteReader, messageOf } from "@deucalion/base";
import { compareBytes, compareStrings, decodeText } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { checkFrame } from "./toc.ts";

/** Called with the ranges of name and value in the table's bytes, and the offset of the list in the index. */
export type PostingsEntryVisitor = (
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
  listOffset: number,
) => void;

/** Walks the table at `offset` of `data` in file order. Throws TSDB_INDEX_DATA or TSDB_INDEX_CHECKSUM. */
export function visitPostingsTable(
  data: Uint8Array,
  offset: number,
  visit: PostingsEntryVisitor,
): void {
  const { start, end } = checkFrame(data, offset, "postings table");
  try {
    const from = new ByteReader(data, start, end);
    const count = from.u32();
    for (let i = 0; i < count; i++) {
      if (from.u8() !== 2) throw new Error("entry does not have two strings");
      const nameLength = from.uvarint();
      const nameStart = from.at;
      from.skip(nameLength);
      const valueLength = from.uvarint();
      const valueStart = from.at;
      from.skip(valueLength);
      visit(
        nameStart,
        nameStart + nameLength,
        valueStart,
        valueStart + valueLength,
        from.uvarint(),
      );
    }
  } catch (thrown) {
    if (thrown instanceof TsdbError) throw thrown;
    const text = `read postings table: ${messageOf(thrown)}`;
    throw new TsdbError("TSDB_INDEX_DATA", text, { offset }, { cause: thrown });
  }
}

/** The values of one label, as numbers of entries of the table. */
export interface ValueRange {
  readonly from: number;
  readonly to: number;
}

/** Label values by number. What matchers are resolved against. */
export interface LabelIndex {
  /** The entries of a label, in order of value; null if no series has it. */
  range(name: string): ValueRange | null;
  /** Value of an entry. */
  value(entry: number): string;
}

/** The whole table in columns, in order of name and value. Keeps the bytes it was made from. */
export class PostingsTable implements LabelIndex {
  readonly #data: Uint8Array;
  readonly #ranges: ReadonlyMap<string, ValueRange>;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #offsets: Float64Array;
  /** End of each list: where the next one in the file begins. */
  readonly #limits: Float64Array;
  /** Entry of the list of all series, or -1. */
  readonly all: number;
  /** Label names, in order, without the empty one of all series. */
  readonly names: readonly string[];

  private constructor(columns: Columns, data: Uint8Array, tableOffset: number) {
    this.#data = data;
    this.#starts = columns.starts;
    this.#ends = columns.ends;
    this.#offsets = columns.offsets;
    this.#ranges = columns.ranges;
    this.all = columns.ranges.get("")?.from ?? -1;
    this.names = [...columns.ranges.keys()].filter((name) => name !== "");
    const sorted = Float64Array.from(columns.offsets).sort();
    const next = new Map<number, number>();
    let inOrder = true;
    for (let i = 1; i < columns.offsets.length; i++) {
      if (columns.offsets[i]! < columns.offsets[i - 1]!) inOrder = false;
    }
    this.#limits = new Float64Array(columns.offsets.length);
    if (!inOrder) {
      for (let i = 0; i < sorted.length; i++) next.set(sorted[i]!, sorted[i + 1] ?? tableOffset);
    }
    for (let i = 0; i < this.#limits.length; i++) {
      this.#limits[i] = inOrder
        ? (columns.offsets[i + 1] ?? tableOffset)
        : next.get(columns.offsets[i]!)!;
    }
  }

  /**
   * Reads the table at `offset` of `data`; `tableOffset` is its position in the index, which ends the last list.
   * Version 1 tables are not sorted and are sorted here.
   */
  static read(data: Uint8Array, offset: number, tableOffset: number): PostingsTable {
    return new PostingsTable(readColumns(data, offset), data, tableOffset);
  }

  get count(): number {
    return this.#offsets.length;
  }

  range(name: string): ValueRange | null {
    return this.#ranges.get(name) ?? null;
  }

  value(entry: number): string {
    return decodeText(this.#data, this.#starts[entry]!, this.#ends[entry]!);
  }

  /** Offset of an entry's list in the index. */
  listOffset(entry: number): number {
    return this.#offsets[entry]!;
  }

  /** Where an entry's list ends at the latest. */
  listLimit(entry: number): number {
    return this.#limits[entry]!;
  }
}

interface Columns {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly offsets: Float64Array;
  readonly ranges: ReadonlyMap<string, ValueRange>;
}

function readColumns(data: Uint8Array, offset: number): Columns {
  const starts: number[] = [];
  const ends: number[] = [];
  const offsets: number[] = [];
  const entriesOf = new Map<string, number[]>();
  let current: number[] = [];
  let lastStart = -1;
  let lastLength = -1;
  visitPostingsTable(data, offset, (nameStart, nameEnd, valueStart, valueEnd, listOffset) => {
    if (nameEnd - nameStart !== lastLength || !same(data, nameStart, lastStart, lastLength)) {
      const name = decodeText(data, nameStart, nameEnd);
      current = entriesOf.get(name) ?? [];
      entriesOf.set(name, current);
      lastStart = nameStart;
      lastLength = nameEnd - nameStart;
    }
    current.push(offsets.length);
    starts.push(valueStart);
    ends.push(valueEnd);
    offsets.push(listOffset);
  });
  const out = {
    starts: new Uint32Array(starts.length),
    ends: new Uint32Array(starts.length),
    offsets: new Float64Array(starts.length),
    ranges: new Map<string, ValueRange>(),
  };
  let at = 0;
  for (const name of [...entriesOf.keys()].sort(compareStrings)) {
    const entries = entriesOf.get(name)!;
    const order = (a: number, b: number): number =>
      compareBytes(data, starts[a]!, ends[a]!, data, starts[b]!, ends[b]!);
    if (entries.some((entry, i) => i > 0 && order(entries[i - 1]!, entry) > 0)) entries.sort(order);
    out.ranges.set(name, { from: at, to: at + entries.length });
    for (const entry of entries) {
      out.starts[at] = starts[entry]!;
      out.ends[at] = ends[entry]!;
      out.offsets[at++] = offsets[entry]!;
    }
  }
  return out;
}

function same(data: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (data[a + i] !== data[b + i]) return false;
  return true;
}
