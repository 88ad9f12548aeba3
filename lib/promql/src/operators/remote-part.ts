// Rows that other queriers evaluate.
import { compareLabels, type Labels } from "@deucalion/model";
import type { RemotePart } from "../plan/distributed/distribute.ts";
import { mayMatch } from "../plan/distributed/partitions.ts";
import type { RemoteEngine } from "../plan/distributed/remote-engine.ts";
import { selectorTimes } from "../plan/selector-times.ts";
import type { MatrixSeries } from "../result.ts";
import { presentCount, Row } from "../row.ts";
import type { Emit, Evaluation } from "./evaluation.ts";
import { histogramSamples } from "./histogram-size.ts";

/** True if a selector of the part may find something at the time of the evaluation. */
function hasTime(engine: RemoteEngine, part: RemotePart, ev: Evaluation): boolean {
  const { lookbackMs } = ev.options;
  const { defaultStepMs } = ev.state;
  const { startMs, endMs } = ev.steps;
  const spans = selectorTimes(part.expr, startMs, endMs, { lookbackMs, defaultStepMs });
  for (const [selector, { minTime, maxTime }] of spans) {
    const within = minTime <= engine.maxTime && maxTime >= engine.minTime;
    if (within && mayMatch(selector, engine.labelSets)) return true;
  }
  return false;
}

/** Writes the samples of a series to the steps of a row; what is there already is replaced. */
function fill(row: Row, series: MatrixSeries, ev: Evaluation): void {
  const { startMs, stepMs, count } = ev.steps;
  const { times, values, histograms } = series;
  for (let i = 0; i < times.length; i++) {
    const step = (times[i]! - startMs) / stepMs;
    if (!Number.isInteger(step) || step < 0 || step >= count) continue;
    const histogram = histograms?.[i];
    if (histogram === undefined) row.setFloat(step, values[i]!);
    else row.setHistogram(step, histogram);
  }
}

function samplesOf(row: Row): number {
  let samples = presentCount(row.present);
  for (const histogram of row.histograms ?? []) {
    if (histogram !== undefined) samples += histogramSamples(histogram) - 1;
  }
  return samples;
}

/**
 * The rows of a remote part. Where queriers with the same partitions give the same series, the one whose data begins
 * last is preferred at each step.
 */
export async function remotePart(part: RemotePart, ev: Evaluation, emit: Emit): Promise<void> {
  const { limits, steps, state } = ev;
  const asked = part.engines.filter(
    ({ engine, startMs }) =>
      (part.always || hasTime(engine, part, ev)) && (startMs ?? steps.startMs) <= steps.endMs,
  );
  let held = 0;
  const found = await Promise.all(
    asked.map(async ({ engine, startMs }) => {
      const series: MatrixSeries[] = [];
      const request = {
        query: part.text,
        startMs: startMs ?? steps.startMs,
        endMs: steps.endMs,
        stepMs: steps.count === 1 ? 1000 : steps.stepMs,
      };
      const looked = await engine.evaluate(request, state.context, (one) => {
        const bytes = ev.rowBytes + 16 * one.times.length;
        held += bytes;
        limits.holdBytes(bytes);
        limits.check();
        series.push(one);
      });
      ev.counter.total += looked;
      return series;
    }),
  );
  const rows = rowsOf(found, ev);
  for (const row of rows) {
    ev.hold(samplesOf(row));
    emit(row);
  }
  limits.holdBytes(-held);
}

function rowsOf(found: readonly (readonly MatrixSeries[])[], ev: Evaluation): Row[] {
  const { count } = ev.steps;
  const make = (labels: Labels, series: MatrixSeries): Row => {
    const row = Row.empty(labels, count);
    fill(row, series, ev);
    return row;
  };
  if (found.length === 1) return found[0]!.map((series) => make(series.labels, series));
  const rows = new Map<string, Row>();
  for (const series of found.flat()) {
    const { key } = series.labels;
    const known = rows.get(key);
    if (known === undefined) rows.set(key, make(series.labels, series));
    else fill(known, series, ev);
  }
  return [...rows.values()].sort((a, b) => compareLabels(a.labels, b.labels));
}
