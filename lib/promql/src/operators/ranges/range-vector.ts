// Range vectors as the result of an instant query: raw samples, or the steps of a subquery.
import type { FloatHistogram, Labels, SampleColumns } from "@deucalion/model";
import { compareLabels } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import type { MatrixSelector, SubqueryExpr } from "../../parse/ast.ts";
import { borderValues, extendedBounds } from "../../range-functions/extended-rate.ts";
import { type WindowPlan, Windows } from "../../range-functions/windows.ts";
import { metadataLabels, Row } from "../../row.ts";
import type { Evaluation } from "../evaluation.ts";
import { histogramSamples } from "../histogram-size.ts";
import { mergeRows } from "../merge-rows.ts";
import { atTime } from "../selectors/at-time.ts";
import { forEachSeries, selectionOf } from "../selectors/select.ts";
import { subqueryRows } from "./subquery.ts";

/** A series with its own times. */
export interface TimedSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histograms: (FloatHistogram | undefined)[] | null;
}

function planOf(node: MatrixSelector, ev: Evaluation): WindowPlan {
  const { selector } = node;
  const extended = selector.anchored || selector.smoothed;
  return {
    count: 1,
    evalMs: ev.steps.startMs,
    evalStepMs: 1,
    endMs: (atTime(selector) ?? ev.steps.startMs) - selector.offsetMs,
    endStepMs: 0,
    rangeMs: node.rangeMs,
    beforeMs: extended ? ev.options.lookbackMs : 0,
    afterMs: selector.smoothed ? ev.options.lookbackMs : 0,
    anchored: selector.anchored,
    smoothed: selector.smoothed,
    args: [],
    useStartTimes: false,
    annotations: ev.annotations,
    check: ev.check,
    range: node.range,
  };
}

/** First index whose time is after `time`. */
function firstAfter(times: Float64Array, count: number, time: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Samples of a plain window in order of time, whatever their kind. */
function plainSamples(
  columns: SampleColumns,
  from: number,
  to: number,
  labels: Labels,
): TimedSeries {
  const first = firstAfter(columns.times, columns.count, from);
  const end = firstAfter(columns.times, columns.count, to);
  let stale = 0;
  for (let i = first; i < end; i++) if (columns.isStale(i)) stale++;
  if (stale === 0 && columns.histograms === null) {
    const times = columns.times.slice(first, end);
    return { labels, times, values: columns.values.slice(first, end), histograms: null };
  }
  const count = end - first - stale;
  const times = new Float64Array(count);
  const values = new Float64Array(count);
  const histograms = new Array<FloatHistogram | undefined>(count).fill(undefined);
  let any = false;
  let at = 0;
  for (let i = first; i < end; i++) {
    if (columns.isStale(i)) continue;
    const histogram = columns.histograms?.[i];
    if (histogram !== undefined) any = true;
    times[at] = columns.times[i]!;
    values[at] = columns.values[i]!;
    histograms[at++] = histogram;
  }
  return { labels, times, values, histograms: any ? histograms : null };
}

/** Samples of an anchored or smoothed window: its borders, and what lies between. */
function extendedSamples(windows: Windows, modifier: string, labels: Labels): TimedSeries | null {
  const { floats, histogramSide, plan, values } = windows;
  if (histogramSide !== null && histogramSide.hi[0]! > histogramSide.lo[0]!) {
    throw new PromqlError(
      "PROMQL_EXECUTION",
      `${modifier} modifier is not supported with histograms`,
    );
  }
  const lo = floats.lo[0]!;
  const hi = floats.hi[0]!;
  if (hi === lo) return null;
  const rangeEnd = plan.endMs;
  const rangeStart = rangeEnd - plan.rangeMs;
  const { times } = floats;
  const bounds = extendedBounds(times, lo, hi, rangeStart, rangeEnd, plan.smoothed);
  if (bounds === null) return null;
  const { left, right } = borderValues(windows, bounds, lo, rangeStart, rangeEnd, false);
  let { first, last } = bounds;
  if (times[first]! <= rangeStart) first++;
  if (times[last]! >= rangeEnd) last--;
  const inner = Math.max(0, last - first + 1);
  const outTimes = new Float64Array(inner + 2);
  const outValues = new Float64Array(inner + 2);
  outTimes[0] = rangeStart;
  outValues[0] = left;
  for (let i = 0; i < inner; i++) {
    outTimes[i + 1] = times[first + i]!;
    outValues[i + 1] = values[first + i]!;
  }
  outTimes[inner + 1] = rangeEnd;
  outValues[inner + 1] = right;
  return { labels, times: outTimes, values: outValues, histograms: null };
}

/** Rough size of a series in memory without its samples: objects, arrays, labels as strings. */
const seriesBytes = 1000;

function countSamples(ev: Evaluation, series: TimedSeries): void {
  let samples = series.times.length;
  for (const histogram of series.histograms ?? []) {
    if (histogram !== undefined) samples += histogramSamples(histogram) - 1;
  }
  ev.counter.add(0, samples);
  ev.hold(samples);
  ev.limits.holdBytes(seriesBytes + 16 * samples);
}

async function selectorSeries(node: MatrixSelector, ev: Evaluation): Promise<TimedSeries[]> {
  const plan = planOf(node, ev);
  const windows = new Windows(plan);
  const out: TimedSeries[] = [];
  const minTime = plan.endMs - plan.rangeMs - plan.beforeMs + 1;
  const selection = selectionOf(
    ev,
    node.selector,
    node.rangeMs,
    minTime,
    plan.endMs + plan.afterMs,
  );
  const modifier = plan.anchored ? "anchored" : "smoothed";
  await forEachSeries(ev, selection, (columns, bytes) => {
    const { labels } = new Row(null, new Float64Array(0), new Uint8Array(0), null, false, bytes);
    let series: TimedSeries | null;
    if (plan.anchored || plan.smoothed) {
      windows.load(columns);
      series = extendedSamples(windows, modifier, labels);
    } else series = plainSamples(columns, plan.endMs - plan.rangeMs, plan.endMs, labels);
    if (series === null || series.times.length === 0) return;
    countSamples(ev, series);
    out.push(series);
  });
  return out;
}

async function subquerySeries(node: SubqueryExpr, ev: Evaluation): Promise<TimedSeries[]> {
  const rows: Row[] = [];
  let startMs = 0;
  let stepMs = 1;
  const inner = await subqueryRows(node, ev, (row, steps) => {
    ({ startMs, stepMs } = steps);
    rows.push(row.clone());
  });
  ev.counter.addTotal(0, inner.counter.total);
  ev.counter.addSubquery(inner.counter, inner.steps, ev.steps, 0, 0);
  let kept = rows.filter((row) => !row.isEmpty());
  if (ev.options.delayedNameRemoval) {
    for (const row of kept) if (row.dropName) row.labels = row.labels.drop(metadataLabels);
    kept = await mergeRows(kept, ev.limits);
  }
  return kept.map((row) => {
    const times: number[] = [];
    const values: number[] = [];
    const histograms: (FloatHistogram | undefined)[] = [];
    for (let i = 0; i < row.present.length; i++) {
      if (row.present[i] === 0) continue;
      times.push(startMs + i * stepMs);
      values.push(row.histogramAt(i)?.sum ?? row.values[i]!);
      histograms.push(row.histogramAt(i));
    }
    return {
      labels: row.labels,
      times: Float64Array.from(times),
      values: Float64Array.from(values),
      histograms: row.histograms === null ? null : histograms,
    };
  });
}

/** Evaluates a range vector at the one step of an instant query; series come sorted by labels. */
export async function rangeVector(
  node: MatrixSelector | SubqueryExpr,
  ev: Evaluation,
): Promise<TimedSeries[]> {
  const series =
    node.kind === "matrix" ? await selectorSeries(node, ev) : await subquerySeries(node, ev);
  return series.sort((a, b) => compareLabels(a.labels, b.labels));
}
