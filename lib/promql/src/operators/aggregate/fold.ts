// Aggregations that fold each row into its group at once: what is held is groups × steps, never the series.
import type { FloatHistogram } from "@deucalion/model";
import { infos, warnings } from "../../annotations/messages.ts";
import type { AggregateExpr } from "../../parse/ast.ts";
import type { Row } from "../../row.ts";
import type { Evaluation } from "../evaluation.ts";
import {
  averageInto,
  countInto,
  finishAverage,
  maxInto,
  minInto,
  startVariance,
  sumInto,
  varianceInto,
} from "./fold-kernels.ts";
import { HistogramFold } from "./histogram-fold.ts";

/** Operations that fold. */
export type FoldOp = "sum" | "avg" | "count" | "min" | "max" | "group" | "stddev" | "stdvar";

/** One group over all steps. The arrays of its first row become those of its result. */
export class FoldGroup {
  readonly row: Row;
  /** Low words of compensated sums, or means of variances. */
  extra: Float64Array | null = null;
  counts: Float64Array | null = null;
  /** Means, once a sum has overflown; NaN where it has not. */
  means: Float64Array | null = null;
  /** Histograms of a step, or "incompatible" once they cannot be added. */
  histograms: (HistogramFold | "incompatible" | undefined)[] | null = null;
  /** Bits of a step: 1 floats, 2 histograms. Only kept once there are histograms. */
  kinds: Uint8Array | null = null;

  constructor(row: Row) {
    this.row = row;
  }
}

/** Where a fold reports to. */
export interface FoldContext {
  readonly ev: Evaluation;
  readonly node: AggregateExpr;
}

function zeros(steps: number): Float64Array {
  return new Float64Array(steps);
}

/** Begins a group with its first row, which it takes over. */
export function startGroup(op: FoldOp, row: Row, context: FoldContext): FoldGroup {
  const group = new FoldGroup(row);
  const { values, present } = row;
  if (row.histograms === null) {
    if (op === "count" || op === "group") values.fill(1);
    else if (op === "stddev" || op === "stdvar") startVariance(group);
    return group;
  }
  const empty = context.ev.newRow();
  empty.dropName = row.dropName;
  const fresh = new FoldGroup(empty);
  if (op === "stddev" || op === "stdvar") {
    fresh.extra = zeros(present.length);
    fresh.counts = zeros(present.length);
  }
  foldRow(op, fresh, row, context);
  return fresh;
}

/** Folds a row into a group; the row may be used again afterwards. */
export function foldRow(op: FoldOp, group: FoldGroup, row: Row, context: FoldContext): void {
  if (row.dropName) group.row.dropName = true;
  if (row.histograms !== null || group.histograms !== null) {
    foldMixed(op, group, row, context);
    return;
  }
  const steps = row.present.length;
  switch (op) {
    case "sum":
      group.extra ??= zeros(steps);
      sumInto(group.row.values, group.row.present, group.extra, row.values, row.present);
      return;
    case "avg":
      averageInto(group, row);
      return;
    case "count":
      countInto(group.row.values, group.row.present, row.present);
      return;
    case "group":
      for (let i = 0; i < steps; i++) {
        if (row.present[i] === 0) continue;
        group.row.present[i] = 1;
        group.row.values[i] = 1;
      }
      return;
    case "min":
      minInto(group.row.values, group.row.present, row.values, row.present);
      return;
    case "max":
      maxInto(group.row.values, group.row.present, row.values, row.present);
      return;
    default:
      varianceInto(group, row.values, row.present);
  }
}

/** Rows with histograms, step by step. */
function foldMixed(op: FoldOp, group: FoldGroup, row: Row, context: FoldContext): void {
  for (let i = 0; i < row.present.length; i++) {
    if (row.present[i] === 0) continue;
    const histogram = row.histogramAt(i);
    switch (op) {
      case "count":
        group.row.values[i] = group.row.present[i] === 1 ? group.row.values[i]! + 1 : 1;
        group.row.present[i] = 1;
        break;
      case "group":
        group.row.values[i] = 1;
        group.row.present[i] = 1;
        break;
      case "sum":
      case "avg":
        foldSample(op, group, row, i, histogram, context);
        break;
      default:
        if (histogram === undefined) {
          foldFloat(op, group, row, i);
        } else {
          const { ev, node } = context;
          ev.annotations.info(infos.histogramIgnoredInAggregation(op), node.expr.range);
        }
    }
  }
}

/** Folds the float of one step through the kernels. */
function foldFloat(op: FoldOp, group: FoldGroup, row: Row, step: number): void {
  const { values: best, present: known } = group.row;
  const { values, present } = row;
  if (op === "min") minInto(best, known, values, present, step, step + 1);
  else if (op === "max") maxInto(best, known, values, present, step, step + 1);
  else varianceInto(group, values, present, step, step + 1);
}

function foldSample(
  op: "sum" | "avg",
  group: FoldGroup,
  row: Row,
  step: number,
  histogram: FloatHistogram | undefined,
  context: FoldContext,
): void {
  const steps = row.present.length;
  group.histograms ??= new Array<HistogramFold | undefined>(steps).fill(undefined);
  group.kinds ??= group.row.present.slice();
  const known = group.histograms[step];
  if (known === "incompatible") return;
  const first = group.row.present[step] === 0;
  group.row.present[step] = 1;
  group.kinds[step]! |= histogram === undefined ? 1 : 2;
  if (histogram !== undefined) {
    if (first) group.histograms[step] = new HistogramFold(op, histogram);
    else if (known !== undefined) addHistogram(group, known, step, histogram, row, context);
    return;
  }
  // A float after histograms: the step is lost anyway, so the sum of floats does not matter.
  if (known !== undefined) return;
  if (first) {
    group.row.values[step] = row.values[step]!;
    if (group.extra !== null) group.extra[step] = 0;
    if (group.counts !== null) group.counts[step] = 1;
    return;
  }
  if (op === "sum") {
    group.extra ??= zeros(steps);
    const { values, present } = group.row;
    sumInto(values, present, group.extra, row.values, row.present, step, step + 1);
  } else averageInto(group, row, step, step + 1);
}

function addHistogram(
  group: FoldGroup,
  fold: HistogramFold,
  step: number,
  histogram: FloatHistogram,
  row: Row,
  context: FoldContext,
): void {
  const { ev, node } = context;
  const result = fold.add(histogram);
  if (result === "incompatible") {
    group.histograms![step] = "incompatible";
    const name = row.labels.get("__name__");
    ev.annotations.warn(warnings.mixedExponentialCustom(name), node.expr.range);
  } else if (result === "reconciled") {
    ev.annotations.info(infos.mismatchedCustomBuckets("aggregation"), node.expr.range);
  }
}

/** Turns a group into its result. The row may come out without samples. */
export function finishGroup(op: FoldOp, group: FoldGroup, context: FoldContext): Row {
  const { row } = group;
  const { values, present } = row;
  if (op === "avg") finishAverage(group);
  else if (op === "sum" && group.extra !== null) {
    for (let i = 0; i < values.length; i++) values[i]! += group.extra[i]!;
  } else if (op === "stddev" || op === "stdvar") {
    for (let i = 0; i < values.length; i++) {
      if (present[i] === 0) continue;
      const variance = values[i]! / group.counts![i]!;
      values[i] = op === "stddev" ? Math.sqrt(variance) : variance;
    }
  }
  if (group.histograms !== null) finishHistograms(group, context);
  return row;
}

function finishHistograms(group: FoldGroup, context: FoldContext): void {
  const { row, histograms, kinds } = group;
  const { annotations } = context.ev;
  const { range } = context.node.expr;
  for (let i = 0; i < row.present.length; i++) {
    const fold = histograms![i];
    if (kinds![i] === 3) {
      annotations.warn(warnings.mixedFloatsHistogramsAggregation, range);
      row.clear(i);
    } else if (fold === "incompatible") row.clear(i);
    else if (fold !== undefined) {
      row.setHistogram(i, fold.compacted());
      if (fold.hintsCollided) {
        annotations.warn(warnings.counterResetCollision("aggregation"), range);
      }
    }
  }
}
