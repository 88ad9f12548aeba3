// Functions of range vectors: each series is read once, its windows slide over the columns, and its row goes on.
import { SampleColumns } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import type { Call, MatrixSelector, Range, SubqueryExpr } from "../../parse/ast.ts";
import { rangeFunctions } from "../../range-functions/registry.ts";
import { type RangeFunction, type WindowPlan, Windows } from "../../range-functions/windows.ts";
import { xLookbackMs } from "../../range-functions/x-functions.ts";
import { dropMetricName, presentCount, Row } from "../../row.ts";
import { CounterNames } from "../counter-names.ts";
import { DistinctGuard, distinctWithoutName } from "../distinct.ts";
import type { Emit, Evaluation } from "../evaluation.ts";
import { histogramSamples, sizesOfRows, sizesUpTo } from "../histogram-size.ts";
import { atTime } from "../selectors/at-time.ts";
import { histogramStats } from "../selectors/histogram-stats.ts";
import { labelsOfMatchers } from "../selectors/instant-selector.ts";
import { forEachSeries, selectionOf } from "../selectors/select.ts";
import { subqueryRows } from "./subquery.ts";

const anchoredSafe = ["changes", "delta", "increase", "rate", "resets"];
const smoothedSafe = ["delta", "increase", "rate"];
const xFunctions = new Set(["xrate", "xincrease", "xdelta"]);
const startTimeFunctions = new Set(["rate", "irate", "increase", "resets"]);

type RangeArgument = MatrixSelector | SubqueryExpr;

/** The range vector among the arguments of a call, or -1. */
export function rangeArgument(node: Call): number {
  return node.args.findIndex((arg) => arg.kind === "matrix" || arg.kind === "subquery");
}

function checkModifiers(node: Call, arg: RangeArgument): void {
  if (arg.kind === "subquery") return;
  const { anchored, smoothed } = arg.selector;
  const safe = anchored ? anchoredSafe : smoothed ? smoothedSafe : null;
  if (safe === null || safe.includes(node.func)) return;
  const modifier = anchored ? "anchored" : "smoothed";
  throw new PromqlError(
    "PROMQL_EXECUTION",
    `${modifier} modifier can only be used with: ${safe.join(", ")} - not with ${node.func}`,
  );
}

function windowPlan(
  node: Call,
  arg: RangeArgument,
  args: readonly Float64Array[],
  ev: Evaluation,
): WindowPlan {
  const { steps, options } = ev;
  const offsetMs = arg.kind === "matrix" ? arg.selector.offsetMs : arg.offsetMs;
  const at = atTime(arg.kind === "matrix" ? arg.selector : arg);
  const anchored = arg.kind === "matrix" && arg.selector.anchored;
  const smoothed = arg.kind === "matrix" && arg.selector.smoothed;
  return {
    count: steps.count,
    evalMs: steps.startMs,
    evalStepMs: steps.stepMs,
    endMs: (at ?? steps.startMs) - offsetMs,
    endStepMs: at === undefined ? steps.stepMs : 0,
    rangeMs: arg.rangeMs,
    beforeMs: anchored || smoothed ? options.lookbackMs : 0,
    afterMs: smoothed ? options.lookbackMs : 0,
    anchored,
    smoothed,
    args,
    useStartTimes: options.useStartTimestamps && startTimeFunctions.has(node.func),
    annotations: ev.annotations,
    check: ev.check,
    range: annotationRange(node),
  };
}

/**
 * Annotations are about the first argument. Prometheus loses the place of a subquery: they then point at the start
 * of the query.
 */
function annotationRange(node: Call): Range {
  const first = node.args[0]!;
  return first.kind === "subquery" ? { start: 0, end: first.range.end } : first.range;
}

/** One call while its series go by. */
class RangeCall {
  readonly #node: Call;
  readonly #ev: Evaluation;
  readonly #emit: Emit;
  readonly #windows: Windows;
  readonly #function: RangeFunction;
  readonly #guard: DistinctGuard | null;
  readonly #stats: boolean;
  readonly #fromSubquery: boolean;
  readonly #counterInfo: CounterNames | null;
  /** Steps at which some series had a sample, for absent_over_time. */
  readonly #seen: Uint8Array | null;
  #held = 0;

  constructor(node: Call, arg: RangeArgument, plan: WindowPlan, ev: Evaluation, emit: Emit) {
    const implementation = rangeFunctions.get(node.func);
    if (implementation === undefined) {
      throw new PromqlError("PROMQL_EXECUTION", `unknown function with name "${node.func}"`);
    }
    this.#node = node;
    this.#ev = ev;
    this.#emit = emit;
    this.#windows = new Windows(plan);
    this.#function = implementation;
    this.#guard = ev.options.delayedNameRemoval
      ? null
      : new DistinctGuard(distinctWithoutName(arg), ev.limits);
    this.#fromSubquery = arg.kind === "subquery";
    this.#stats =
      arg.kind === "matrix" && ev.state.selectors.get(arg.selector)?.histogramStats === true;
    this.#counterInfo =
      node.func === "rate" || node.func === "increase" ? new CounterNames(ev, plan.range) : null;
    this.#seen = node.func === "absent_over_time" ? new Uint8Array(plan.count) : null;
  }

  /** Takes the samples of one series; `source` carries its labels. */
  take(columns: SampleColumns, source: Row): void {
    const ev = this.#ev;
    const windows = this.#windows;
    if (this.#stats && columns.hasHistograms) histogramStats(columns);
    windows.metricName = () => source.labels.get("__name__");
    windows.load(columns);
    this.#countSamples();
    const row = ev.newRow();
    this.#function.run(windows, row);
    if (this.#seen !== null) {
      for (let i = 0; i < row.present.length; i++) if (row.present[i] === 1) this.#seen[i] = 1;
      ev.release(row);
      return;
    }
    const found = presentCount(row.present);
    if (found === 0) {
      ev.release(row);
      return;
    }
    this.#hold(row, found);
    if (this.#counterInfo !== null && hasFloats(row)) this.#counterInfo.see(source);
    this.#label(row, source);
    this.#guard?.check(row);
    this.#emit(row);
  }

  #label(row: Row, source: Row): void {
    if (source.labelBytes === null) row.labels = source.labels;
    else {
      row.labelBytes = source.labelBytes;
      row.metadataDropped = source.metadataDropped;
    }
    row.dropName = source.dropName;
    if (this.#function.keepsName !== true || source.dropName) {
      dropMetricName(row, this.#ev.options.delayedNameRemoval);
    }
  }

  #hold(row: Row, found: number): void {
    let samples = found;
    if (row.histograms !== null) {
      for (const histogram of row.histograms) {
        if (histogram !== undefined) samples += histogramSamples(histogram) - 1;
      }
    }
    this.#ev.hold(samples);
  }

  /** Statistics count every sample of every window; the limit is about the widest window at once. */
  #countSamples(): void {
    const { counter } = this.#ev;
    const { floats, histogramSide, plan } = this.#windows;
    let { widest, total } = floats;
    if (histogramSide === null && counter.perStep === null && counter.readPerStep === null) {
      counter.total += total;
      if (!this.#fromSubquery) counter.read += floats.read;
      this.#ev.hold(widest - this.#held);
      this.#held = widest;
      return;
    }
    widest = 0;
    total = 0;
    const sizes = this.#sizes();
    for (let i = 0; i < plan.count; i++) {
      let samples = floats.hi[i]! - floats.lo[i]!;
      if (histogramSide !== null) {
        samples += sizes[histogramSide.hi[i]!]! - sizes[histogramSide.lo[i]!]!;
      }
      if (samples > widest) widest = samples;
      total += samples;
      if (counter.perStep !== null) counter.perStep[i]! += samples;
    }
    counter.total += total;
    if (!this.#fromSubquery) this.#countRead(sizes);
    this.#ev.hold(widest - this.#held);
    this.#held = widest;
  }

  #sizes(): Float64Array {
    const windows = this.#windows;
    if (windows.histogramSide === null) return new Float64Array(1);
    return windows.rows === null ? sizesUpTo(windows.histograms) : sizesOfRows(windows.rows);
  }

  /** Each step reads what came after the window before; with `@` there is but one window. */
  #countRead(sizes: Float64Array): void {
    const { counter } = this.#ev;
    const { floats, histogramSide, plan } = this.#windows;
    const steps = plan.endStepMs === 0 ? Math.min(1, plan.count) : plan.count;
    for (let i = 0; i < steps; i++) {
      const from = i === 0 ? floats.lo[0]! : Math.max(floats.lo[i]!, floats.hi[i - 1]!);
      let samples = floats.hi[i]! - from;
      if (histogramSide !== null) {
        const { lo, hi } = histogramSide;
        const first = i === 0 ? lo[0]! : Math.max(lo[i]!, hi[i - 1]!);
        if (hi[i]! > first) samples += sizes[hi[i]!]! - sizes[first]!;
      }
      counter.addRead(i, samples);
    }
  }

  /** After the last series. */
  end(): void {
    this.#guard?.end();
    this.#ev.hold(-this.#held);
    if (this.#seen !== null) this.#emitAbsent(this.#seen);
  }

  #emitAbsent(seen: Uint8Array): void {
    const arg = this.#node.args[0]!;
    const labels = arg.kind === "matrix" ? labelsOfMatchers(arg.selector) : null;
    const row = this.#ev.newRow();
    if (labels !== null) row.labels = labels;
    for (let i = 0; i < seen.length; i++) if (seen[i] === 0) row.setFloat(i, 1);
    row.dropName = true;
    if (!row.isEmpty()) this.#emit(row);
  }
}

function hasFloats(row: Row): boolean {
  if (row.histograms === null) return true;
  for (let i = 0; i < row.present.length; i++) {
    if (row.present[i] === 1 && row.histograms[i] === undefined) return true;
  }
  return false;
}

/** Scalar arguments, one value for each step. */
async function scalarArguments(node: Call, at: number, ev: Evaluation): Promise<Float64Array[]> {
  const others = node.args.filter((_, i) => i !== at);
  const rows = await ev.all(others);
  return rows.map((row) => row[0]?.values ?? new Float64Array(ev.steps.count));
}

/** Evaluates a call whose argument number `at` is a range vector. */
export async function rangeCall(node: Call, at: number, ev: Evaluation, emit: Emit): Promise<void> {
  const arg = node.args[at] as RangeArgument;
  const args = await scalarArguments(node, at, ev);
  checkModifiers(node, arg);
  const plan = windowPlan(node, arg, args, ev);
  const call = new RangeCall(node, arg, plan, ev, emit);
  if (arg.kind === "subquery") {
    const columns = new SampleColumns();
    const inner = await subqueryRows(arg, ev, (row, steps) => {
      fillColumns(columns, row, steps.startMs, steps.stepMs);
      call.take(columns, row);
    });
    ev.counter.addSubquery(inner.counter, inner.steps, ev.steps, arg.offsetMs, arg.rangeMs);
  } else {
    const { selector } = arg;
    const extra = xFunctions.has(node.func) ? xLookbackMs - 1 : 0;
    const minTime = plan.endMs - plan.rangeMs - plan.beforeMs - extra + 1;
    const maxTime = plan.endMs + (plan.count - 1) * plan.endStepMs + plan.afterMs;
    const selection = selectionOf(ev, selector, arg.rangeMs, minTime, maxTime);
    await forEachSeries(ev, selection, (columns, labels) => {
      call.take(columns, new Row(null, noValues, noPresence, null, false, labels));
    });
  }
  call.end();
}

const noValues = new Float64Array(0);
const noPresence = new Uint8Array(0);

/** Makes samples of the steps of a row. Hints of counter resets say nothing between steps. */
export function fillColumns(
  columns: SampleColumns,
  row: Row,
  startMs: number,
  stepMs: number,
): void {
  columns.reset();
  for (let i = 0; i < row.present.length; i++) {
    if (row.present[i] === 0) continue;
    const time = startMs + i * stepMs;
    const histogram = row.histogramAt(i);
    if (histogram === undefined) columns.pushFloat(time, row.values[i]!);
    else {
      const hint = histogram.counterResetHint;
      const known = hint === "reset" || hint === "not_reset";
      columns.pushHistogram(
        time,
        known ? { ...histogram, counterResetHint: "unknown" } : histogram,
      );
    }
  }
}
