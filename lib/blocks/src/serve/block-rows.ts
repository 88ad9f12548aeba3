// The series of one block for a query, in order of their labels as they will be sent.
import type { Labels, Matcher } from "@deucalion/model";
import { mergePostings, type SeriesEntry } from "@deucalion/tsdb";
import { eachLimited } from "../each-limited.ts";
import type { IndexHeader } from "../index-header/index-header.ts";
import type { CallBudget } from "./call-budget.ts";
import { EntryFilter } from "./entry-filter.ts";
import type { LabelMemo } from "./label-memo.ts";
import { LabelWriter } from "./label-writer.ts";
import { type EntrySource, entriesEnd, postingScale, readEntries } from "./read-entries.ts";
import { type SelectedPostings, selectPostings } from "./select-postings.ts";
import { SeriesRows } from "./series-rows.ts";
import type { ServeOptions } from "./serve-options.ts";

export interface RowsRequest {
  readonly minTime: number;
  readonly maxTime: number;
  /** Without those on external labels. */
  readonly matchers: readonly Matcher[];
  /** One of these lists must match too, if there are any. */
  readonly anyOf?: readonly (readonly Matcher[])[] | undefined;
  readonly external: Labels;
  readonly without: ReadonlySet<string>;
  /** Whether a series takes part, by its label bytes; undefined for all. */
  readonly accept: ((data: Uint8Array, start: number, end: number) => boolean) | undefined;
  /** Series that are enough; 0 for all. */
  readonly limit: number;
}

export interface RowsDeps {
  readonly header: IndexHeader;
  readonly source: EntrySource;
  readonly memo: LabelMemo;
  readonly budget: CallBudget;
  readonly options: ServeOptions;
  /** Longest series entry of the block, if its meta.json says so; else 0. */
  readonly seriesBytesMax: number;
  /** What a chunk of unknown length is taken for. */
  readonly chunkBytesGuess: number;
}

/** Some rows, and the order in which to send them. */
export interface OrderedRows {
  readonly rows: SeriesRows;
  readonly order: Uint32Array;
}

/** Yields series ordered by labels, over the borders of what it yields too. */
export async function* blockRows(
  request: RowsRequest,
  deps: RowsDeps,
): AsyncGenerator<OrderedRows> {
  const { header, source, budget, options } = deps;
  const guess = deps.seriesBytesMax || options.seriesBytesGuess;
  const { postings, left } = await selectAny(request, deps, guess);
  const filter = left.length === 0 ? undefined : new EntryFilter(header.symbols, left);
  if (filter === undefined) budget.chargeSeries(postings.length);
  const accepted = (entry: SeriesEntry): boolean => {
    if (filter === undefined) return true;
    const ok = filter.accepts(entry);
    if (ok) budget.chargeSeries(1);
    else budget.filtered++;
    return ok;
  };
  const writer = new LabelWriter(deps.memo, request.external, request.without);
  const resort = mustResort(header, request);
  const countMax =
    request.limit > 0 && !resort
      ? Math.min(options.seriesBatch, request.limit + 1)
      : options.seriesBatch;
  const scale = postingScale(source.indexVersion);
  let rows = new SeriesRows();
  let held = 0;
  for (let from = 0; from < postings.length; ) {
    const to = entriesEnd(postings, from, countMax, scale, guess, options);
    await readEntries(source, postings.subarray(from, to), guess, options, (entry) => {
      if (accepted(entry)) addRow(rows, entry, request, writer, deps.chunkBytesGuess);
      else if (entry.chunkCount > 0) rows.endBefore(entry.refs[0]!, deps.chunkBytesGuess);
    });
    from = to;
    if (resort) continue;
    const last = to === postings.length;
    const { order, pending } = releaseOrder(rows, held, last);
    if (order.length > 0) yield { rows, order };
    const next = new SeriesRows();
    for (const row of pending) next.addFrom(rows, row);
    rows = next;
    held = pending.length;
  }
  if (resort && rows.count > 0) yield sortedRows(rows);
}

/** Alternatives of which postings are looked up side by side. */
const alternativesAtOnce = 8;

/** The postings of `matchers` and, where there are alternatives, of any of them. */
async function selectAny(
  { matchers, anyOf }: RowsRequest,
  { header, source, options }: RowsDeps,
  guess: number,
): Promise<SelectedPostings> {
  const select = (all: readonly Matcher[], how: ServeOptions): Promise<SelectedPostings> =>
    selectPostings(header.postings, all, source.io, how, guess);
  if (anyOf === undefined) return select(matchers, options);
  // Each list as a whole: a filter of the series would have to know whose matchers are left.
  const whole = { ...options, lazyPostings: false };
  const lists: Uint32Array[] = [];
  await eachLimited(anyOf, alternativesAtOnce, async (alternative) => {
    lists.push((await select([...matchers, ...alternative], whole)).postings);
  });
  return { postings: mergePostings(lists), left: [] };
}

/** All rows in order of labels; those that became equal are one, with their chunks in order of time. */
function sortedRows(rows: SeriesRows): OrderedRows {
  const order = Uint32Array.from({ length: rows.count }, (_, i) => i);
  order.sort((a, b) => rows.compare(a, b));
  let equal = 0;
  for (let i = 1; i < order.length; i++) if (rows.compare(order[i - 1]!, order[i]!) === 0) equal++;
  if (equal === 0) return { rows, order };
  const merged = new SeriesRows();
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && rows.compare(order[from]!, order[to]!) === 0) to++;
    merged.addMerged(rows, order.subarray(from, to));
    from = to;
  }
  return { rows: merged, order: Uint32Array.from({ length: merged.count }, (_, i) => i) };
}

/** Leaving out or replacing a label of the series themselves can change their order in any way. */
export function mustResort(
  header: IndexHeader,
  request: Pick<RowsRequest, "without" | "external">,
): boolean {
  for (const name of request.without) if (header.postings.has(name)) return true;
  for (const [name] of request.external) if (header.postings.has(name)) return true;
  return false;
}

/** Adds a series if one of its chunks overlaps the time range. */
function addRow(
  rows: SeriesRows,
  entry: SeriesEntry,
  request: RowsRequest,
  writer: LabelWriter,
  chunkBytesGuess: number,
): void {
  const { minTime, maxTime, accept } = request;
  if (entry.chunkCount > 0) rows.endBefore(entry.refs[0]!, chunkBytesGuess);
  const chunksBefore = rows.chunkCount;
  for (let i = 0; i < entry.chunkCount; i++) {
    if (entry.minTimes[i]! > maxTime) break;
    if (entry.maxTimes[i]! < minTime) continue;
    const ref = entry.refs[i]!;
    // Chunks of a series are written one after the other: the next begins where this one ends, or in a new segment.
    const next = i + 1 < entry.chunkCount ? entry.refs[i + 1]! : 0;
    const known =
      next > ref && Math.floor(next / 4_294_967_296) === Math.floor(ref / 4_294_967_296);
    rows.addChunk(entry.minTimes[i]!, entry.maxTimes[i]!, ref, known ? next : 0);
  }
  if (rows.chunkCount === chunksBefore) return;
  const start = rows.labels.length;
  const extendsLast = writer.write(entry, rows.labels);
  if (accept !== undefined && !accept(rows.labels.data, start, rows.labels.length)) {
    rows.labels.length = start;
    rows.chunkCount = chunksBefore;
    rows.rejected = true;
    return;
  }
  // What the writer compares with is the series before, even one that was left out.
  rows.addSeries(start, extendsLast || rows.rejected);
  rows.rejected = false;
}

/**
 * Series come in the block's order. With an external label added, `{a="1"}` becomes `{a="1", replica="x"}`, which sorts
 * behind `{a="1", b="2", replica="x"}` although the block has it in front. So a series waits until one comes that sorts
 * behind it: none that comes later can then sort in front of it. One that is no beginning of the next surely sorts
 * in front of that, which saves most comparisons. The first `held` rows waited already, in order.
 */
function releaseOrder(
  rows: SeriesRows,
  held: number,
  last: boolean,
): { order: Uint32Array; pending: number[] } {
  const order = new Uint32Array(rows.count);
  let count = 0;
  const waiting: number[] = [];
  for (let row = 0; row < held; row++) waiting.push(row);
  for (let row = held; row < rows.count; row++) {
    if (waiting.length === 1 && rows.extends[row] === 0) {
      order[count++] = waiting[0]!;
      waiting[0] = row;
      continue;
    }
    let released = 0;
    while (released < waiting.length && rows.compare(waiting[released]!, row) <= 0)
      order[count++] = waiting[released++]!;
    // What still waits sorts behind this row.
    if (released === waiting.length) {
      waiting.length = 0;
      waiting.push(row);
    } else waiting.splice(0, released, row);
  }
  if (last) for (const row of waiting.splice(0)) order[count++] = row;
  return { order: order.subarray(0, count), pending: waiting };
}
