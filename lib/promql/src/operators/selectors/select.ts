// The leaf: asks a source for series and hands them on one by one, decoded.
import {
  Aggregate,
  equalLabelBytes,
  giveColumns,
  type LabelBytes,
  type Matcher,
  type SampleColumns,
  type SelectHints,
  type SeriesRequest,
  sortByTime,
  takeColumns,
} from "@deucalion/model";
import type { VectorSelector } from "../../parse/ast.ts";
import type { Evaluation } from "../evaluation.ts";

/** What a selector needs of a source. */
export interface Selection {
  readonly matchers: readonly Matcher[];
  /** Milliseconds, inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly hints: SelectHints;
  /** The selector in the tree, or null for one that a function made up. */
  readonly selector: VectorSelector | null;
}

/** Called for each series; `columns` are overwritten by the next one. */
export type SeriesVisitor = (columns: SampleColumns, labels: LabelBytes) => void;

/** Functions over a range that are at home on data no coarser than half that range. */
const rangeBound = new Set([
  "rate",
  "irate",
  "increase",
  "delta",
  "idelta",
  "deriv",
  "predict_linear",
  "holt_winters",
  "double_exponential_smoothing",
]);

const counterFunctions = new Set(["increase", "rate", "irate", "resets", "xincrease", "xrate"]);

/** The aggregates of downsampled data that serve a function. */
export function aggregatesFor(func: string): Aggregate[] {
  if (func === "min" || func.startsWith("min_")) return [Aggregate.min];
  if (func === "max" || func.startsWith("max_")) return [Aggregate.max];
  if (func === "count" || func.startsWith("count_")) return [Aggregate.count];
  if (func.startsWith("sum_")) return [Aggregate.sum];
  if (counterFunctions.has(func)) return [Aggregate.counter];
  return [Aggregate.count, Aggregate.sum];
}

function requestOf(ev: Evaluation, selection: Selection): SeriesRequest {
  const { hints } = selection;
  let maxResolutionMs = ev.state.maxResolutionMs;
  if (hints.rangeMs > 0 && rangeBound.has(hints.func)) {
    maxResolutionMs = Math.min(maxResolutionMs, hints.rangeMs / 2);
  }
  return {
    minTime: selection.minTime,
    maxTime: selection.maxTime,
    matchers: selection.matchers,
    hints,
    maxResolutionMs,
    aggregates: aggregatesFor(hints.func),
  };
}

/** The selection of a selector whose samples are looked up between two times. */
export function selectionOf(
  ev: Evaluation,
  selector: VectorSelector,
  rangeMs: number,
  minTime: number,
  maxTime: number,
): Selection {
  const plan = ev.state.selectors.get(selector);
  return {
    selector,
    matchers: selector.matchers,
    minTime,
    maxTime,
    hints: {
      func: plan?.func ?? "",
      stepMs: ev.hintStepMs,
      rangeMs,
      by: plan?.by ?? false,
      grouping: plan?.grouping ?? [],
    },
  };
}

/** Samples, with something for each series, between two looks at the clock: much less than a turn. */
const workMax = 4000;

/** Reads all series of a selection in order of their labels; neighbours with equal labels become one. */
export async function forEachSeries(
  ev: Evaluation,
  selection: Selection,
  visit: SeriesVisitor,
): Promise<void> {
  const columns = takeColumns();
  try {
    await readSeries(ev, selection, columns, visit);
  } finally {
    giveColumns(columns);
  }
}

async function readSeries(
  ev: Evaluation,
  selection: Selection,
  columns: SampleColumns,
  visit: SeriesVisitor,
): Promise<void> {
  const { limits, state } = ev;
  const { selector } = selection;
  const take: SeriesVisitor =
    state.onRead === null || selector === null
      ? visit
      : (samples, labels) => {
          state.onRead?.(selector, samples.count);
          visit(samples, labels);
        };
  let work = 0;
  let pending: LabelBytes | null = null;
  for await (const batch of state.reads.series(requestOf(ev, selection), selection.selector)) {
    const bytes = batch.chunks === null ? 0 : batch.chunks.bytes;
    limits.holdBytes(bytes);
    for (let i = 0; i < batch.seriesCount; i++) {
      const labels = batch.labels(i);
      if (pending !== null) {
        if (equalLabelBytes(pending, labels)) {
          joinSeries(columns, (out) => batch.samplesInto(i, out));
          continue;
        }
        limits.series++;
        take(columns, pending);
        work += 40 + columns.count + ev.steps.count;
        if (work > workMax) {
          work = 0;
          if (limits.due()) await limits.breathe();
        }
      }
      columns.reset();
      batch.samplesInto(i, columns);
      pending = labels;
    }
    limits.holdBytes(-bytes);
    limits.check();
  }
  if (pending !== null) {
    limits.series++;
    take(columns, pending);
  }
}

/** Appends another part of the same series and puts everything in order of time. */
function joinSeries(columns: SampleColumns, append: (out: SampleColumns) => void): void {
  const before = columns.count;
  append(columns);
  const inOrder =
    before === 0 || columns.count === before || columns.times[before]! > columns.times[before - 1]!;
  if (!inOrder) sortByTime(columns, 0);
}
