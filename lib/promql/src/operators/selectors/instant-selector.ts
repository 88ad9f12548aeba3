// Instant selectors: at each step the last sample that is not too old.
import type { StepLookup } from "@deucalion/kernels";
import { type LabelBytes, Labels, type SampleColumns } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import type { InstantSelect } from "../../functions/contract.ts";
import type { VectorSelector } from "../../parse/ast.ts";
import type { Row } from "../../row.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { histogramSamples } from "../histogram-size.ts";
import { atTime } from "./at-time.ts";
import { histogramStats } from "./histogram-stats.ts";
import { forEachSeries, selectionOf } from "./select.ts";
import { smoothSeries } from "./smooth-selector.ts";

/** What a step shows of the sample that was found. */
export type InstantValue = "value" | "time" | "timeMs" | "startTime";

/** Times looked up; `stepMs` is 0 where `@` fixes the time. */
type Lookup = StepLookup;

/** So few steps are not worth a call of WebAssembly. */
const fewSteps = 8;

function lookupOf(ev: Evaluation, offsetMs: number, atMs: number | undefined): Lookup {
  const { steps, options } = ev;
  return {
    firstMs: (atMs ?? steps.startMs) - offsetMs,
    stepMs: atMs === undefined ? steps.stepMs : 0,
    lookbackMs: options.lookbackMs,
    count: steps.count,
  };
}

function lastMs(lookup: Lookup): number {
  return lookup.firstMs + (lookup.count - 1) * lookup.stepMs;
}

/** As in Prometheus, times under `@` are looked up without the offset, among the samples that were selected with it. */
function unmovedLookup(ev: Evaluation, node: VectorSelector, selected: Lookup): Lookup {
  const at = atTime(node);
  if (at === undefined) return selected;
  const { lookbackMs } = selected;
  return {
    ...lookupOf(ev, Math.max(0, node.offsetMs), at),
    lookbackMs: Math.max(0, lookbackMs - Math.abs(node.offsetMs)),
  };
}

/** Evaluates a selector. `value` says what to show of each sample. */
export async function instantSelector(
  node: VectorSelector,
  ev: Evaluation,
  emit: Emit,
  value: InstantValue = "value",
): Promise<void> {
  const selected = lookupOf(ev, node.offsetMs, atTime(node));
  const { lookbackMs } = selected;
  const minTime = selected.firstMs - lookbackMs + 1;
  const maxTime = lastMs(selected) + (node.smoothed ? lookbackMs : 0);
  const lookup = value === "value" ? selected : unmovedLookup(ev, node, selected);
  const smoothed = node.smoothed && value === "value";
  const selection = selectionOf(ev, node, 0, minTime, maxTime);
  const stats = ev.state.selectors.get(node)?.histogramStats === true;
  await forEachSeries(ev, selection, (columns, labels) => {
    if (stats && columns.histograms !== null) histogramStats(columns);
    const row = ev.newRow();
    row.labelBytes = labels;
    const found = smoothed
      ? smoothSeries(ev, node, columns, row)
      : lookUp(columns, lookup, value, row);
    // Prometheus does not count what is smoothed.
    if (smoothed && found > 0) emit(row);
    else finishRow(ev, row, found, emit);
  });
}

function finishRow(ev: Evaluation, row: Row, found: number, emit: Emit): void {
  if (found === 0) ev.release(row);
  else {
    countRow(ev, row, found);
    emit(row);
  }
}

/** Counts the samples a row holds, for statistics and the limit. */
export function countRow(ev: Evaluation, row: Row, found: number): void {
  const { counter } = ev;
  let samples = found;
  if (row.histograms !== null) {
    samples = 0;
    for (let i = 0; i < row.present.length; i++) {
      if (row.present[i] === 0) continue;
      const histogram = row.histograms[i];
      const size = histogram === undefined ? 1 : histogramSamples(histogram);
      counter.add(i, size);
      samples += size;
    }
  } else if (counter.readPerStep === null) {
    counter.total += found;
    counter.read += found;
  } else {
    for (let i = 0; i < row.present.length; i++) if (row.present[i] === 1) counter.add(i, 1);
  }
  ev.hold(samples);
}

function lookUp(columns: SampleColumns, lookup: Lookup, value: InstantValue, row: Row): number {
  if (columns.histograms === null && value === "value") {
    const found =
      lookup.count < fewSteps ? undefined : columns.memory?.lookUp(columns, lookup, row);
    return found ?? lookUpFloats(columns, lookup, row);
  }
  return lookUpAny(columns, lookup, value, row);
}

/** The hot loop: floats only. */
function lookUpFloats(columns: SampleColumns, lookup: Lookup, row: Row): number {
  const { times, values, valueBits, count } = columns;
  const { firstMs, stepMs, lookbackMs, count: steps } = lookup;
  const out = row.values;
  const present = row.present;
  let next = 0;
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const at = firstMs + i * stepMs;
    while (next < count && times[next]! <= at) next++;
    if (next === 0) continue;
    const last = next - 1;
    if (times[last]! <= at - lookbackMs) continue;
    if (valueBits[2 * last] === 2 && valueBits[2 * last + 1] === 0x7ff00000) continue;
    out[i] = values[last]!;
    present[i] = 1;
    found++;
  }
  return found;
}

function lookUpAny(columns: SampleColumns, lookup: Lookup, value: InstantValue, row: Row): number {
  const { times, count } = columns;
  let next = 0;
  let found = 0;
  for (let i = 0; i < lookup.count; i++) {
    const at = lookup.firstMs + i * lookup.stepMs;
    while (next < count && times[next]! <= at) next++;
    const last = next - 1;
    if (last < 0 || times[last]! <= at - lookup.lookbackMs || columns.isStale(last)) continue;
    showSample(columns, last, value, row, i);
    found++;
  }
  return found;
}

function showSample(
  columns: SampleColumns,
  index: number,
  value: InstantValue,
  row: Row,
  step: number,
): void {
  const histogram = columns.histograms?.[index];
  switch (value) {
    case "time":
      row.setFloat(step, columns.times[index]! / 1000);
      return;
    case "startTime":
      row.setFloat(step, (columns.startTimes?.[index] ?? 0) / 1000);
      return;
    case "timeMs":
      if (histogram !== undefined) {
        throw new PromqlError(
          "PROMQL_EXECUTION",
          `this should be an info metric, with float samples: ${row.labels.toString()}`,
        );
      }
      row.setFloat(step, columns.times[index]!);
      return;
    case "value":
      if (histogram === undefined) row.setFloat(step, columns.values[index]!);
      else row.setHistogram(step, histogram);
  }
}

/** A selector that is not in the tree: what `info` asks for. */
export async function selectRows(ev: Evaluation, request: InstantSelect): Promise<Row[]> {
  const lookup = lookupOf(ev, request.offsetMs, request.atMs);
  const selection = {
    selector: null,
    matchers: request.matchers,
    minTime: lookup.firstMs - lookup.lookbackMs + 1,
    maxTime: lastMs(lookup),
    hints: { func: "info", stepMs: ev.hintStepMs, rangeMs: 0, by: false, grouping: [] },
  };
  const rows: Row[] = [];
  const value = request.sampleTimes ? "timeMs" : "value";
  await forEachSeries(ev, selection, (columns, labels: LabelBytes) => {
    const row = ev.newRow();
    row.labelBytes = labels;
    finishRow(ev, row, lookUp(columns, lookup, value, row), (found) => rows.push(found));
  });
  return rows;
}

/** Labels of a series that are made of the equality matchers of a selector (`absent`). */
export function labelsOfMatchers(node: VectorSelector): Labels {
  const seen = new Set<string>();
  const labels = new Map<string, string>();
  for (const matcher of node.matchers) {
    if (matcher.name === "__name__") continue;
    if (matcher.type === "=" && !seen.has(matcher.name)) {
      labels.set(matcher.name, matcher.value);
      seen.add(matcher.name);
    } else labels.delete(matcher.name);
  }
  return Labels.from(labels);
}
