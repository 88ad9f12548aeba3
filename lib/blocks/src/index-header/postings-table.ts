// The postings offset table of an index-header: where the list of each name and value lies in the index.
import { isAscii } from "node:buffer";
import { crc32c } from "@deucalion/kernels";
import { compareStrings, decodeText } from "@deucalion/model";
import { breathe, scanBytes } from "./breathe.ts";
import { indexError } from "./layout.ts";
import type { PagedFile } from "./page-cache.ts";
import type { EntryVisitor, PostingsOffsets } from "./postings-offsets.ts";
import type { PostingsRanges } from "./postings-ranges.ts";
import { TableScanner } from "./table-scanner.ts";

/** Every so many entries of a name one is kept in memory. */
export const samplingDefault = 32;
const windowBytes = 256 << 10;
/** Read behind a run of entries: room for the next entry. */
const beyondBytes = 512;

/** What is kept of one name: sampled values and where their entries are, ascending. */
interface NameEntries {
  readonly values: string[];
  readonly positions: number[];
  count: number;
  /** Position behind the last entry. */
  end: number;
}

/** The table of an index of version 2, sorted by name and value; entries between samples are read from the file. */
export class PostingsTable implements PostingsOffsets {
  readonly #file: PagedFile;
  readonly #names: Map<string, NameEntries>;
  readonly #tableEnd: number;
  readonly #listsEnd: number;

  private constructor(
    file: PagedFile,
    names: Map<string, NameEntries>,
    tableEnd: number,
    listsEnd: number,
  ) {
    this.#file = file;
    this.#names = names;
    this.#tableEnd = tableEnd;
    this.#listsEnd = listsEnd;
  }

  /** Reads the table at `at` through once, verifying its checksum. `listsEnd`: no list ends later. */
  static async open(
    file: PagedFile,
    at: number,
    listsEnd: number,
    sampling: number = samplingDefault,
  ): Promise<PostingsTable> {
    const { start, end, count } = await verifyTable(file, at);
    const names = new Map<string, NameEntries>();
    const scanner = new TableScanner(file, start, end, windowBytes);
    let current: NameEntries | undefined;
    let nameBytes: Uint8Array = new Uint8Array(0);
    let pause = start + scanBytes;
    for (let i = 0; i < count; i++) {
      const position = scanner.position;
      if (position > pause) {
        await breathe();
        pause = position + scanBytes;
      }
      if (scanner.uvarint() !== 2) throw indexError("read postings table: not a pair");
      const nameLength = scanner.uvarint();
      const nameAt = scanner.take(nameLength);
      const same = current !== undefined && equalBytes(scanner.data, nameAt, nameLength, nameBytes);
      if (!same || current === undefined) {
        nameBytes = scanner.data.slice(nameAt, nameAt + nameLength);
        current = { values: [], positions: [], count: 0, end: 0 };
        const name = decodeText(nameBytes, 0, nameLength);
        if (names.has(name)) throw indexError("read postings table: names are not in order");
        names.set(name, current);
      }
      const valueLength = scanner.uvarint();
      const valueAt = scanner.take(valueLength);
      if (current.count % sampling === 0) {
        current.values.push(decodeText(scanner.data, valueAt, valueAt + valueLength));
        current.positions.push(position);
      }
      scanner.uvarint();
      current.count++;
      current.end = scanner.position;
    }
    if (scanner.position !== end) throw indexError("read postings table: entries do not fit");
    return new PostingsTable(file, names, end, listsEnd);
  }

  labelNames(): string[] {
    return [...this.#names.keys()].filter((name) => name !== "").sort(compareStrings);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  valueCount(name: string): number {
    return this.#names.get(name)?.count ?? 0;
  }

  labelValues(name: string): string[] {
    const values: string[] = [];
    this.scan(name, "", (value) => {
      values.push(value);
      return true;
    });
    return values;
  }

  scan(name: string, prefix: string, visit: EntryVisitor): void {
    const entries = this.#names.get(name);
    if (entries === undefined) return;
    const from = prefix === "" ? 0 : Math.max(0, upperBound(entries.values, prefix) - 1);
    let past = false;
    this.#walk(entries.positions[from]!, entries.end, (value, start, end) => {
      if (prefix !== "" && !value.startsWith(prefix)) {
        past = compareStrings(value, prefix) > 0;
        return !past;
      }
      return visit(value, start, end);
    });
  }

  rangesOf(name: string, values: readonly string[], out: PostingsRanges): void {
    const entries = this.#names.get(name);
    if (entries === undefined) return;
    for (let i = 0; i < values.length; ) {
      const sample = upperBound(entries.values, values[i]!) - 1;
      if (sample < 0) {
        i++;
        continue;
      }
      // One walk serves all values that lie between two samples.
      const stop = entries.positions[sample + 1] ?? entries.end;
      const bound = entries.values[sample + 1];
      this.#walk(entries.positions[sample]!, stop, (value, start, end) => {
        while (i < values.length && compareStrings(values[i]!, value) < 0) i++;
        if (i < values.length && values[i] === value) {
          out.push(start, end);
          i++;
        }
        return i < values.length && (bound === undefined || compareStrings(values[i]!, bound) < 0);
      });
      while (i < values.length && (bound === undefined || compareStrings(values[i]!, bound) < 0))
        i++;
    }
  }

  allPostings(): { start: number; end: number } {
    let found: { start: number; end: number } | undefined;
    this.scan("", "", (_, start, end) => {
      found = { start, end };
      return false;
    });
    if (found === undefined) throw indexError("postings table has no list of all series");
    return found;
  }

  #walk(from: number, to: number, visit: EntryVisitor): void {
    // One entry beyond `to` is read for the end of the last list.
    const window = Math.min(to - from + beyondBytes, windowBytes);
    const scanner = new TableScanner(this.#file, from, this.#tableEnd, window);
    let value: string | undefined;
    let start = 0;
    let ascii = false;
    let textOf: Uint8Array | undefined;
    let text = "";
    while (scanner.position < to) {
      scanner.uvarint();
      scanner.take(scanner.uvarint());
      const length = scanner.uvarint();
      const at = scanner.take(length);
      // Strings are cut out of one decoded window, which is many times quicker than one decoding each.
      if (textOf !== scanner.data) {
        textOf = scanner.data;
        ascii = isAscii(textOf);
        if (ascii) text = Buffer.from(textOf.buffer, 0, textOf.length).toString("latin1");
      }
      const nextValue = ascii
        ? text.substring(at, at + length)
        : decodeText(scanner.data, at, at + length);
      const offset = scanner.uvarint();
      if (value !== undefined && !visit(value, start, offset)) return;
      value = nextValue;
      start = offset;
    }
    if (value === undefined) return;
    let end = this.#listsEnd;
    if (scanner.position < this.#tableEnd) {
      scanner.uvarint();
      scanner.take(scanner.uvarint());
      scanner.take(scanner.uvarint());
      end = scanner.uvarint();
    }
    visit(value, start, end);
  }
}

/** Checks length and checksum of a table; returns where its entries begin and end, and their number. */
export async function verifyTable(
  file: PagedFile,
  at: number,
): Promise<{ start: number; end: number; count: number }> {
  if (at + 8 > file.size) throw indexError("read postings table: too short");
  const head = file.readDirect(at, 8);
  const view = new DataView(head.buffer);
  const length = view.getUint32(0);
  const end = at + 4 + length;
  if (length < 4 || end + 4 > file.size)
    throw indexError("read postings table: length does not fit");
  let crc = crc32c(head, 4, 8);
  for (let from = at + 8; from < end; from += scanBytes) {
    if (from > at + 8) await breathe();
    const size = Math.min(scanBytes, end - from);
    crc = crc32c(file.readDirect(from, size), 0, size, crc);
  }
  if (new DataView(file.readDirect(end, 4).buffer).getUint32(0) !== crc)
    throw indexError("read postings table: invalid checksum");
  return { start: at + 8, end, count: view.getUint32(4) };
}

function equalBytes(data: Uint8Array, at: number, length: number, other: Uint8Array): boolean {
  if (length !== other.length) return false;
  for (let i = 0; i < length; i++) if (data[at + i] !== other[i]) return false;
  return true;
}

/** The number of values that are at most `value`. */
function upperBound(values: readonly string[], value: string): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareStrings(values[middle]!, value) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
