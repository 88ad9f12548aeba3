// `smoothed` instant selectors: values between two samples lie on the line that joins them.
import {
  type FloatHistogram,
  type SampleColumns,
  usesCustomBuckets,
  withHint,
} from "@deucalion/model";
import { warnings } from "../../annotations/messages.ts";
import type { VectorSelector } from "../../parse/ast.ts";
import {
  interpolateHistograms,
  type Report,
} from "../../range-functions/extended-histogram-rate.ts";
import { interpolate } from "../../range-functions/extended-rate.ts";
import type { Row } from "../../row.ts";
import type { Evaluation } from "../evaluation.ts";
import { atTime } from "./at-time.ts";

/** Indices of samples lo ≤ i < hi that are not stale. */
function freshIndices(columns: SampleColumns): number[] {
  const fresh: number[] = [];
  for (let i = 0; i < columns.count; i++) if (!columns.isStale(i)) fresh.push(i);
  return fresh;
}

/** Fills a row and returns how many steps have a sample. */
export function smoothSeries(
  ev: Evaluation,
  node: VectorSelector,
  columns: SampleColumns,
  row: Row,
): number {
  const { steps, options } = ev;
  const fresh = freshIndices(columns);
  const report: Report = {
    annotations: ev.annotations,
    range: node.range,
    metricName: () => row.labels.get("__name__"),
  };
  const at = atTime(node);
  let found = 0;
  for (let i = 0; i < steps.count; i++) {
    const time = (at ?? steps.startMs + i * steps.stepMs) - node.offsetMs;
    const window = fresh.filter((index) => {
      const t = columns.times[index]!;
      return t > time - options.lookbackMs && t <= time + options.lookbackMs;
    });
    if (window.length > 0 && smoothStep(columns, window, time, row, i, report)) found++;
  }
  return found;
}

function smoothStep(
  columns: SampleColumns,
  window: readonly number[],
  time: number,
  row: Row,
  step: number,
  report: Report,
): boolean {
  const histograms = window.filter((index) => columns.histograms?.[index] !== undefined);
  if (histograms.length > 0 && histograms.length < window.length) {
    report.annotations.warn(warnings.mixedFloatsHistograms(report.metricName()), report.range);
    return false;
  }
  const place = window.findIndex((index) => columns.times[index]! >= time);
  const next = place < 0 ? undefined : window[place]!;
  if (next !== undefined && columns.times[next] === time) {
    put(columns, next, row, step);
    return true;
  }
  const before = place < 0 ? window.at(-1) : window[place - 1];
  if (before === undefined) return false;
  if (next === undefined) {
    const histogram = columns.histograms?.[before];
    if (histogram === undefined) row.setFloat(step, columns.values[before]!);
    else row.setHistogram(step, withHint(histogram, "unknown"));
    return true;
  }
  if (histograms.length > 0) {
    const result = between(columns, before, next, time, report);
    if (result === undefined) return false;
    row.setHistogram(step, result);
    return true;
  }
  const { times, values } = columns;
  const value = interpolate(
    times[before]!,
    values[before]!,
    times[next]!,
    values[next]!,
    time,
    false,
  );
  row.setFloat(step, value);
  return true;
}

function between(
  columns: SampleColumns,
  before: number,
  next: number,
  time: number,
  report: Report,
): FloatHistogram | undefined {
  const a = columns.histograms![before]!;
  const b = columns.histograms![next]!;
  if (usesCustomBuckets(a) !== usesCustomBuckets(b)) {
    report.annotations.warn(warnings.mixedExponentialCustom(report.metricName()), report.range);
    return undefined;
  }
  const counter = a.counterResetHint !== "gauge" || b.counterResetHint !== "gauge";
  return interpolateHistograms(
    report,
    a,
    columns.times[before]!,
    b,
    columns.times[next]!,
    time,
    counter,
  );
}

function put(columns: SampleColumns, index: number, row: Row, step: number): void {
  const histogram = columns.histograms?.[index];
  if (histogram === undefined) row.setFloat(step, columns.values[index]!);
  else row.setHistogram(step, histogram);
}
