// Histogram samples as rows of numbers: what decoding leaves, made into objects only where one is asked for.

import { alike } from "./histogram/arithmetic/add.ts";
import { newBuckets } from "./histogram/buckets/bucket-columns.ts";
import { compactHistogram } from "./histogram/buckets/compact.ts";
import type { BucketSpan, CounterResetHint, FloatHistogram } from "./histogram.ts";

/** What all histograms of one chunk share. */
export interface HistogramRowsLayout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly customValues: Float64Array;
  readonly integer: boolean;
  readonly gauge: boolean;
  /** Numbers of buckets. */
  readonly positive: number;
  readonly negative: number;
}

/** The samples `first ≤ index < end` of the columns, from one chunk. */
export interface HistogramBlock {
  readonly layout: HistogramRowsLayout;
  readonly first: number;
  readonly end: number;
  /** Their cells. */
  readonly cellsFrom: number;
  readonly cellsEnd: number;
}

/** Cells of a row in front of its buckets: count and zero count. The sum is in the values of the columns. */
export const rowHead = 2;

const none = new Float64Array(0);

/**
 * Rows of a series, chunk after chunk. Owned by `SampleColumns`, which overwrites them with the next series: whoever
 * wants to keep a histogram takes it as an object, which has columns of its own.
 */
export class HistogramRows {
  /** Cells of all rows: count, zero count, positive and negative buckets. */
  cells = none;
  /** The same as words, low word first. */
  cellWords = new Uint32Array(0);
  used = 0;
  /** Where the row of a sample begins; −1 for a stale marker. */
  rowAt = new Int32Array(0);
  readonly #blocks: HistogramBlock[] = [];
  /** Samples that have a row, and stale markers. */
  samples = 0;
  stale = 0;
  #lastBlock = 0;
  #pairLast: HistogramRowsLayout | null = null;
  #pairFirst: HistogramRowsLayout | null = null;
  #pairAlike = false;

  get blocks(): readonly HistogramBlock[] {
    return this.#blocks;
  }

  /** Forgets all rows and keeps the memory. */
  reset(): void {
    this.used = 0;
    this.samples = 0;
    this.stale = 0;
    this.#blocks.length = 0;
    this.#lastBlock = 0;
  }

  /** Makes room for `cells` more cells and for samples up to number `end`. Columns may be replaced. */
  reserve(cells: number, end: number): void {
    const need = this.used + cells;
    if (need > this.cells.length) {
      const larger = new Float64Array(Math.max(need, this.cells.length * 2));
      const words = new Uint32Array(larger.buffer);
      words.set(this.cellWords.subarray(0, 2 * this.used));
      this.cells = larger;
      this.cellWords = words;
    }
    if (end > this.rowAt.length) {
      const larger = new Int32Array(Math.max(end, this.rowAt.length * 2));
      larger.set(this.rowAt);
      this.rowAt = larger;
    }
  }

  /** Takes over the rows of samples `first ≤ index < end`, written from `used` up to `cellsEnd`; `stale` of them are markers. */
  add(
    layout: HistogramRowsLayout,
    first: number,
    end: number,
    cellsEnd: number,
    stale: number,
  ): void {
    this.#blocks.push({ layout, first, end, cellsFrom: this.used, cellsEnd });
    this.used = cellsEnd;
    this.samples += end - first;
    this.stale += stale;
  }

  /** The block that holds a sample. */
  #blockOf(index: number): HistogramBlock {
    const blocks = this.#blocks;
    let at = this.#lastBlock;
    while (index >= blocks[at]!.end) at++;
    while (index < blocks[at]!.first) at--;
    this.#lastBlock = at;
    return blocks[at]!;
  }

  /** Count of observations of a sample that is no stale marker. */
  count(index: number): number {
    return this.cells[this.rowAt[index]!]!;
  }

  /** One histogram; `sums` is the column of values. */
  at(index: number, sums: Float64Array): FloatHistogram {
    const block = this.#blockOf(index);
    const row = this.rowAt[index]!;
    const { integer, positive, negative } = block.layout;
    if (row < 0) return staleHistogram(sums[index]!, integer);
    const cells = this.cells.slice(row, row + rowHead + positive + negative);
    return histogramOf(block, index, cells, 0, sums[index]!);
  }

  /** Writes the histograms of samples before `count` to `list`, those of a block over one copy of its cells. */
  allInto(list: (FloatHistogram | undefined)[], sums: Float64Array, count: number): void {
    for (const block of this.#blocks) {
      const cells = this.cells.slice(block.cellsFrom, block.cellsEnd);
      const end = Math.min(block.end, count);
      for (let i = block.first; i < end; i++) {
        const row = this.rowAt[i]!;
        list[i] =
          row < 0
            ? staleHistogram(sums[i]!, block.layout.integer)
            : histogramOf(block, i, cells, row - block.cellsFrom, sums[i]!);
      }
    }
  }

  #areAlike(last: HistogramRowsLayout, first: HistogramRowsLayout): boolean {
    if (this.#pairLast !== last || this.#pairFirst !== first) {
      this.#pairLast = last;
      this.#pairFirst = first;
      this.#pairAlike = alike(last, first);
    }
    return this.#pairAlike;
  }

  /** As `scaledDifference` of the histograms at two indexes, neither of them a stale marker. */
  scaledDifference(
    last: number,
    first: number,
    factor: number,
    sums: Float64Array,
  ): FloatHistogram | null {
    const before = this.#blockOf(first).layout;
    const layout = this.#blockOf(last).layout;
    if (!this.#areAlike(layout, before)) return null;
    const { cells } = this;
    const to = this.rowAt[last]!;
    const from = this.rowAt[first]!;
    const { positive, negative } = layout;
    const middle = rowHead + positive;
    const positiveBuckets = positive === 0 ? none : newBuckets(positive);
    let found = scaleInto(positiveBuckets, cells, to + rowHead, from + rowHead, factor);
    let negativeBuckets: Float64Array = none;
    if (negative > 0) {
      negativeBuckets = newBuckets(negative);
      if (scaleInto(negativeBuckets, cells, to + middle, from + middle, factor)) found = true;
    }
    const result: FloatHistogram = {
      schema: layout.schema,
      zeroThreshold: layout.zeroThreshold,
      zeroCount: (cells[to + 1]! - cells[from + 1]!) * factor,
      count: (cells[to]! - cells[from]!) * factor,
      sum: (sums[last]! - sums[first]!) * factor,
      positiveSpans: layout.positiveSpans,
      negativeSpans: layout.negativeSpans,
      positiveBuckets,
      negativeBuckets,
      customValues: layout.customValues,
      counterResetHint: "gauge",
      integer: false,
    };
    return found ? compactHistogram(result) : result;
  }
}

/** Fills a column with `(cells[to + i] − cells[from + i]) × factor`; true if a difference is 0. */
function scaleInto(
  out: Float64Array,
  cells: Float64Array,
  to: number,
  from: number,
  factor: number,
): boolean {
  let found = false;
  for (let i = 0; i < out.length; i++) {
    const difference = cells[to + i]! - cells[from + i]!;
    if (difference === 0) found = true;
    out[i] = difference * factor;
  }
  return found;
}

function histogramOf(
  block: HistogramBlock,
  index: number,
  cells: Float64Array,
  row: number,
  sum: number,
): FloatHistogram {
  const { layout } = block;
  const from = row + rowHead;
  const middle = from + layout.positive;
  const unknown: CounterResetHint = index === block.first ? "unknown" : "not_reset";
  return {
    schema: layout.schema,
    zeroThreshold: layout.zeroThreshold,
    zeroCount: cells[row + 1]!,
    count: cells[row]!,
    sum,
    positiveSpans: layout.positiveSpans,
    negativeSpans: layout.negativeSpans,
    positiveBuckets: layout.positive === 0 ? none : cells.subarray(from, middle),
    negativeBuckets:
      layout.negative === 0 ? none : cells.subarray(middle, middle + layout.negative),
    customValues: layout.customValues,
    counterResetHint: layout.gauge ? "gauge" : unknown,
    integer: layout.integer,
  };
}

function staleHistogram(sum: number, integer: boolean): FloatHistogram {
  return {
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: none,
    negativeBuckets: none,
    customValues: none,
    counterResetHint: "unknown",
    integer,
  };
}
