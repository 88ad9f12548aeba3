// What a query gives: from rows to values, sorted and with names dropped where that was put off.
import { compareLabels, type FloatHistogram, type LabelBytes, type Labels } from "@deucalion/model";
import type { Evaluation } from "./operators/evaluation.ts";
import { mergeRows, sameLabelset } from "./operators/merge-rows.ts";
import { rangeVector } from "./operators/ranges/range-vector.ts";
import { LabelDecoder } from "./operators/selectors/label-decoder.ts";
import type { Plan } from "./plan/plan.ts";
import { metadataLabels, type Row } from "./row.ts";

export interface VectorSample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  readonly histogram?: FloatHistogram;
}

export interface MatrixSeries {
  readonly labels: Labels;
  /** Milliseconds. Not to be written to: series may share it. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** `null` while every sample is a float. */
  readonly histograms: (FloatHistogram | undefined)[] | null;
}

export type QueryValue =
  | { readonly type: "scalar"; readonly timeMs: number; readonly value: number }
  | { readonly type: "string"; readonly timeMs: number; readonly value: string }
  | { readonly type: "vector"; readonly samples: VectorSample[] }
  | {
      readonly type: "matrix";
      readonly series: MatrixSeries[];
      /** Times of all steps of a range query: each series has all or some of them. */
      readonly times?: Float64Array;
    };

async function finalRows(plan: Plan, ev: Evaluation): Promise<Row[]> {
  const rows: Row[] = [];
  const { limits } = ev;
  await ev.evaluate(plan.root, (row) => {
    limits.holdBytes(ev.rowBytes);
    if (!row.isEmpty()) rows.push(row);
  });
  if (!ev.options.delayedNameRemoval) return rows;
  for (const row of rows) if (row.dropName) row.labels = row.labels.drop(metadataLabels);
  return mergeRows(rows, limits);
}

/** Sorts, and refuses series with equal labels. */
function sortByLabels(series: MatrixSeries[]): void {
  let sorted = true;
  for (let i = 1; i < series.length && sorted; i++) {
    sorted = compareLabels(series[i - 1]!.labels, series[i]!.labels) < 0;
  }
  if (sorted) return;
  series.sort((a, b) => compareLabels(a.labels, b.labels));
  for (let i = 1; i < series.length; i++) {
    if (compareLabels(series[i - 1]!.labels, series[i]!.labels) === 0) throw sameLabelset();
  }
}

/** Cuts a result down to `limit` series, and says so. */
function limited<T>(items: T[], limit: number, ev: Evaluation): T[] {
  if (limit <= 0 || items.length <= limit) return items;
  ev.annotations.plain("results truncated due to limit");
  return items.slice(0, limit);
}

/** Rough size of a series of the result with so many samples: labels as strings take the most. */
function resultBytes(row: Row, samples: number): number {
  const bytes = row.labelBytes;
  const labels = bytes === null ? 200 : 2.5 * (bytes.end - bytes.start);
  return 250 + labels + 16 * samples;
}

/**
 * Rows as results, made as the rows come, so that rows of a batch do not keep it, nor sparse ones their width.
 * `make` returns null for a row without samples; its arrays are used again unless they are part of the result.
 */
async function collect<T extends { readonly labels: Labels }>(
  plan: Plan,
  ev: Evaluation,
  make: (row: Row) => T | null,
  taken: (made: T, row: Row) => boolean,
): Promise<T[]> {
  const out: T[] = [];
  if (ev.options.delayedNameRemoval) {
    for (const row of await finalRows(plan, ev)) {
      const made = make(row);
      if (made !== null) out.push(made);
    }
    return out;
  }
  const { limits } = ev;
  await ev.evaluate(plan.root, (row) => {
    limits.holdBytes(resultBytes(row, row.values.length));
    const made = make(row);
    if (made === null || !taken(made, row)) ev.release(row);
    if (made !== null) out.push(made);
  });
  return out;
}

type Decode = (bytes: LabelBytes, dropMetadata: boolean) => Labels;

/** One decoder for the series of a result. */
function labelDecoder(): Decode {
  const decoder = new LabelDecoder();
  return (bytes, dropMetadata) => decoder.decode(bytes, dropMetadata);
}

function sampleOf(row: Row, timeMs: number, decode: Decode): VectorSample | null {
  if (row.present[0] === 0) return null;
  const labels = row.labelsBy(decode);
  const histogram = row.histogramAt(0);
  if (histogram === undefined) return { labels, timeMs, value: row.values[0]! };
  return { labels, timeMs, value: histogram.sum, histogram };
}

/** The value of an instant query. */
export async function instantValue(plan: Plan, ev: Evaluation, limit: number): Promise<QueryValue> {
  const { root } = plan;
  const timeMs = ev.steps.startMs;
  let bare = root;
  while (bare.kind === "paren" || bare.kind === "stepInvariant") bare = bare.expr;
  if (bare.kind === "string") return { type: "string", timeMs, value: bare.value };
  if (bare.kind === "matrix" || bare.kind === "subquery") {
    const series = await rangeVector(bare, ev);
    return { type: "matrix", series: limited(series, limit, ev) };
  }
  const decode = labelDecoder();
  const samples = await collect(
    plan,
    ev,
    (row) => sampleOf(row, timeMs, decode),
    () => false,
  );
  if (plan.types.get(root) === "scalar") {
    return { type: "scalar", timeMs, value: samples[0]?.value ?? Number.NaN };
  }
  return { type: "vector", samples: limited(samples, limit, ev) };
}

/** The value of a range query, sorted by labels. */
export async function matrixValue(plan: Plan, ev: Evaluation, limit: number): Promise<QueryValue> {
  const times = allTimes(ev);
  const decode = labelDecoder();
  const owning: SeriesMaker = { times, decode, tookRow: false };
  const series = await collect(
    plan,
    ev,
    (row) => (row.isEmpty() ? null : seriesOf(row, owning)),
    () => owning.tookRow,
  );
  sortByLabels(series);
  return { type: "matrix", series: limited(series, limit, ev), times };
}

/** Times of all steps; series that have a sample at each share one column. */
function allTimes(ev: Evaluation): Float64Array {
  const { startMs, stepMs, count } = ev.steps;
  return Float64Array.from({ length: count }, (_, i) => startMs + i * stepMs);
}

/** What makes the series of a result. */
interface SeriesMaker {
  /** Of all steps. */
  readonly times: Float64Array;
  readonly decode: Decode;
  /** The series made last lies in the columns of its row. */
  tookRow: boolean;
}

/** The samples of a row; most rows have one at each step, or begin late or end early by little, and are not copied. */
function seriesOf(row: Row, maker: SeriesMaker): MatrixSeries {
  const { present, values } = row;
  const labels = row.labelsBy(maker.decode);
  const { times: stepTimes } = maker;
  let count = 0;
  for (let i = 0; i < present.length; i++) count += present[i]!;
  maker.tookRow = row.histograms === null && 8 * count >= 7 * present.length;
  if (maker.tookRow) {
    if (count === present.length) return { labels, times: stepTimes, values, histograms: null };
    const first = present.indexOf(1);
    const end = first + count;
    // So many samples, and the first and last of that many steps in a row are there: none is missing between.
    if (present.lastIndexOf(1) === end - 1) {
      const times = stepTimes.subarray(first, end);
      return { labels, times, values: values.subarray(first, end), histograms: null };
    }
    maker.tookRow = false;
  }
  const times = new Float64Array(count);
  const samples = new Float64Array(count);
  let histograms: (FloatHistogram | undefined)[] | null = null;
  let to = 0;
  for (let i = 0; i < present.length; i++) {
    if (present[i] === 0) continue;
    times[to] = stepTimes[i]!;
    samples[to] = values[i]!;
    const histogram = row.histogramAt(i);
    if (histogram !== undefined) {
      histograms ??= new Array<FloatHistogram | undefined>(count).fill(undefined);
      histograms[to] = histogram;
      samples[to] = histogram.sum;
    }
    to++;
  }
  return { labels, times, values: samples, histograms };
}
