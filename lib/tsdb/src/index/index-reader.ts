// A whole index behind a range reader: symbols and postings table in memory, lists and series read as they are asked for.
import type { Matcher } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { coalesceRanges } from "./coalesce-ranges.ts";
import { planPostings, runPostingsPlan } from "./match-postings.ts";
import { noPostings, readPostings } from "./postings.ts";
import { PostingsTable } from "./postings-table.ts";
import type { RangeReader } from "./range-reader.ts";
import { SeriesEntry } from "./series-entry.ts";
import { Symbols } from "./symbols.ts";
import {
  type IndexToc,
  indexHeaderBytes,
  indexTocBytes,
  readIndexHeader,
  readIndexToc,
  seriesEnd,
} from "./toc.ts";

/** Gap across which reads are joined, bytes of one read, and bytes read beyond the last series of a read. */
const gapMax = 64 * 1024;
const readMax = 1024 * 1024;
const seriesSlack = 16 * 1024;

/** Reads one index. Safe for concurrent use. */
export class IndexReader {
  readonly version: number;
  readonly toc: IndexToc;
  readonly symbols: Symbols;
  readonly table: PostingsTable;
  readonly #source: RangeReader;

  private constructor(
    source: RangeReader,
    version: number,
    toc: IndexToc,
    symbols: Symbols,
    table: PostingsTable,
  ) {
    this.#source = source;
    this.version = version;
    this.toc = toc;
    this.symbols = symbols;
    this.table = table;
  }

  /** Reads header, table of contents, symbols and postings table. Throws TSDB_INDEX_*. */
  static async open(source: RangeReader, signal?: AbortSignal): Promise<IndexReader> {
    if (source.size < indexHeaderBytes + indexTocBytes) {
      throw new TsdbError("TSDB_INDEX_TOC", "index is too short", { size: source.size });
    }
    const version = readIndexHeader(await source.read(0, indexHeaderBytes, signal));
    const tocAt = source.size - indexTocBytes;
    const toc = readIndexToc(await source.read(tocAt, indexTocBytes, signal), source.size);
    const symbolBytes = await source.read(toc.symbols, toc.series - toc.symbols, signal);
    const symbols = Symbols.read(symbolBytes, 0, version, toc.symbols);
    const tableBytes = await source.read(toc.postingsTable, tocAt - toc.postingsTable, signal);
    const table = PostingsTable.read(tableBytes, 0, toc.postingsTable);
    return new IndexReader(source, version, toc, symbols, table);
  }

  /** Position of a series in the index by its reference. */
  seriesOffset(ref: number): number {
    return this.version === 1 ? ref : ref * 16;
  }

  /** Label names, in order. */
  labelNames(): readonly string[] {
    return this.table.names;
  }

  /** Values of a label, in order. */
  labelValues(name: string): string[] {
    const range = name === "" ? null : this.table.range(name);
    const values: string[] = [];
    for (let entry = range?.from ?? 0; entry < (range?.to ?? 0); entry++) {
      values.push(this.table.value(entry));
    }
    return values;
  }

  /** References of all series, in order of labels. */
  async allPostings(signal?: AbortSignal): Promise<Uint32Array> {
    if (this.table.all < 0) return noPostings;
    const lists = await this.readLists([this.table.all], signal);
    return lists.get(this.table.all)!;
  }

  /** References of the series that match, ascending. */
  async select(matchers: readonly Matcher[], signal?: AbortSignal): Promise<Uint32Array> {
    const plan = planPostings(matchers, this.table);
    if (plan.empty) return noPostings;
    const wanted = plan.groups.flatMap((group) => [...group.entries]);
    const all = this.table.all;
    if (plan.all && all >= 0) wanted.push(all);
    const lists = await this.readLists(wanted, signal);
    return runPostingsPlan(
      plan,
      (entry) => lists.get(entry)!,
      () => lists.get(all) ?? noPostings,
    );
  }

  /** Postings of table entries, read in few joined ranges. */
  async readLists(
    entries: readonly number[],
    signal?: AbortSignal,
  ): Promise<Map<number, Uint32Array>> {
    const sorted = [...new Set(entries)].sort(
      (a, b) => this.table.listOffset(a) - this.table.listOffset(b),
    );
    const ranges = sorted.map((entry) => ({
      from: this.table.listOffset(entry),
      to: this.table.listLimit(entry),
    }));
    const lists = new Map<number, Uint32Array>();
    let next = 0;
    for (const { from, to } of coalesceRanges(ranges, gapMax, 16 * readMax)) {
      if (from < this.toc.postings || to > this.toc.postingsTable || to < from) {
        throw new TsdbError("TSDB_INDEX_DATA", "postings lie outside their part", { from, to });
      }
      const data = await this.#source.read(from, to - from, signal);
      for (; next < sorted.length && ranges[next]!.from < to; next++) {
        lists.set(sorted[next]!, readPostings(data, ranges[next]!.from - from));
      }
    }
    return lists;
  }

  /**
   * Reads series in the order of `refs` (ascending) and calls `visit` with each; the entry is reused. What `visit`
   * returns is awaited if it is a promise. Throws TSDB_INDEX_DATA or TSDB_INDEX_CHECKSUM.
   */
  async readSeries(
    refs: Uint32Array,
    visit: (entry: SeriesEntry, ref: number) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const entry = new SeriesEntry();
    const limit = seriesEnd(this.toc);
    for (let i = 0; i < refs.length; ) {
      const from = this.seriesOffset(refs[i]!);
      let last = from;
      let end = i + 1;
      for (; end < refs.length; end++) {
        const offset = this.seriesOffset(refs[end]!);
        if (offset - last > gapMax || offset - from > readMax) break;
        last = offset;
      }
      const data = await this.#readSeriesBytes(from, Math.min(limit, last + seriesSlack), signal);
      for (; i < end; i++) {
        const offset = this.seriesOffset(refs[i]!);
        let used = entry.read(data, offset - from);
        for (let tries = 0; used < 0; tries++) {
          const to = Math.min(limit, offset + Math.max(-used, seriesSlack));
          if (tries > 2 || offset - used > limit) {
            throw new TsdbError("TSDB_INDEX_DATA", "series is cut off", { ref: refs[i] });
          }
          used = entry.read(await this.#readSeriesBytes(offset, to, signal), 0);
        }
        const waiting = visit(entry, refs[i]!);
        if (waiting !== undefined) await waiting;
      }
    }
  }

  #readSeriesBytes(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (from < this.toc.series || to <= from) {
      throw new TsdbError("TSDB_INDEX_DATA", "series lies outside its part", { from, to });
    }
    return this.#source.read(from, to - from, signal);
  }
}
