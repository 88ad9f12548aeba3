// PromQL functions over histograms: histogram_count, _sum, _avg, _stddev, _stdvar, _quantile, _quantiles, _fraction.
import { type FloatHistogram, formatFloatG } from "@deucalion/model";
import { infos, warnings } from "../../annotations/messages.ts";
import type { Range } from "../../parse/ast.ts";
import { dropMetricName, Row } from "../../row.ts";
import { stringArg, unwrap } from "../arguments.ts";
import type {
  ElementwiseFunction,
  EvalContext,
  FunctionImplementation,
  VectorFunction,
} from "../contract.ts";
import { bucketFraction, bucketQuantile } from "./classic-buckets.ts";
import {
  type ClassicGroup,
  type NativeRow,
  type SplitHistograms,
  splitHistograms,
} from "./classic-groups.ts";
import {
  type NaNRemarks,
  nativeFraction,
  nativeQuantile,
  nativeVariance,
} from "./native-quantile.ts";

const nameLabel: ReadonlySet<string> = new Set(["__name__"]);

function ofHistogram(read: (h: FloatHistogram) => number): ElementwiseFunction {
  return {
    kind: "elementwise",
    vectorArg: 0,
    apply: (row, _args, _call, ctx) => {
      const histograms = row.histograms;
      if (histograms === null) return null;
      let left = false;
      for (let i = 0; i < histograms.length; i++) {
        const h = histograms[i];
        if (h === undefined || row.present[i] === 0) row.present[i] = 0;
        else {
          row.values[i] = read(h);
          left = true;
        }
      }
      if (!left) return null;
      row.histograms = null;
      row.dropName = true;
      if (!ctx.options.delayedNameRemoval) row.labels = row.labels.drop(nameLabel);
      return row;
    },
  };
}

/** Warns once for each quantile that is none. */
function checkQuantiles(values: Float64Array, range: Range, ctx: EvalContext): void {
  let last = 0;
  for (let i = 0; i < values.length; i++) {
    const q = values[i]!;
    if (q >= 0 && q <= 1) continue;
    if (Object.is(q, last)) continue;
    last = q;
    ctx.annotations.warn(warnings.invalidQuantile(q), range);
  }
}

/** A row of answers for a native histogram, its labels those of the input. */
function answerNative(
  native: NativeRow,
  ctx: EvalContext,
  answer: (h: FloatHistogram, step: number) => number,
): Row | null {
  const { row, refused } = native;
  const out = Row.empty(row.labels, ctx.steps.count, row.dropName);
  let left = false;
  for (let i = 0; i < ctx.steps.count; i++) {
    const h = row.histograms![i];
    if (h === undefined || row.present[i] === 0 || refused?.[i] === 1) continue;
    out.setFloat(i, answer(h, i));
    left = true;
  }
  return left ? out : null;
}

/** Room for the buckets of the largest group. */
interface Scratch {
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
}

function scratchFor(groups: readonly ClassicGroup[]): Scratch {
  const size = groups.reduce((most, group) => Math.max(most, group.size), 1);
  return { bounds: new Float64Array(size), counts: new Float64Array(size) };
}

/** A row of answers for a classic histogram, its labels those of the group. */
function answerClassic(
  group: ClassicGroup,
  scratch: Scratch,
  ctx: EvalContext,
  answer: (bucketCount: number, step: number) => number,
): Row | null {
  const out = Row.empty(group.labels, ctx.steps.count);
  let left = false;
  for (let i = 0; i < ctx.steps.count; i++) {
    if (group.refused?.[i] === 1) continue;
    const size = group.gather(i, scratch.bounds, scratch.counts);
    if (size === 0) continue;
    out.values[i] = answer(size, i);
    out.present[i] = 1;
    left = true;
  }
  return left ? out : null;
}

/** Quantiles of everything in a split vector, names dropped; `qs` has one quantile a step. `tells` says at which steps repairs are reported. */
function quantileRows(
  split: SplitHistograms,
  qs: Float64Array,
  range: Range,
  ctx: EvalContext,
  tells: (step: number) => boolean = () => true,
): Row[] {
  const out: Row[] = [];
  const delayed = ctx.options.delayedNameRemoval;
  const finish = (row: Row | null): void => {
    if (row === null) return;
    dropMetricName(row, delayed);
    out.push(row);
  };
  for (const native of split.native) {
    const remarks: NaNRemarks = { result: false, skew: false };
    finish(answerNative(native, ctx, (h, i) => nativeQuantile(qs[i]!, h, remarks)));
    const name = delayed ? native.row.labels.get("__name__") : "";
    if (remarks.result) ctx.annotations.info(infos.quantileNaNResult(name), range);
    if (remarks.skew) ctx.annotations.info(infos.quantileNaNSkew(name), range);
  }
  const scratch = scratchFor(split.classic);
  const repairs = new RepairReport(range, ctx);
  for (const group of split.classic) {
    ctx.check();
    finish(
      answerClassic(group, scratch, ctx, (size, i) => {
        repairs.now.forced = false;
        const value = bucketQuantile(qs[i]!, scratch.bounds, scratch.counts, size, repairs.now);
        if (repairs.now.forced && tells(i)) repairs.saw(i);
        return value;
      }),
    );
    repairs.flush(delayed ? group.labels.get("__name__") : "");
  }
  return out;
}

/** Sums up the repairs of one classic histogram over all steps, to be reported once. */
class RepairReport {
  readonly now = { forced: false, minBucket: Infinity, maxBucket: -Infinity, maxDiff: 0 };
  readonly #range: Range;
  readonly #ctx: EvalContext;
  #count = 0;
  #firstStep = 0;
  #lastStep = 0;

  constructor(range: Range, ctx: EvalContext) {
    this.#range = range;
    this.#ctx = ctx;
  }

  saw(step: number): void {
    if (this.#count++ === 0) this.#firstStep = step;
    this.#lastStep = step;
  }

  flush(metricName: string): void {
    if (this.#count === 0) return;
    const { startMs, stepMs } = this.#ctx.steps;
    this.#ctx.annotations.forcedMonotonicity(infos.forcedMonotonicity(metricName), this.#range, {
      minMs: startMs + this.#firstStep * stepMs,
      maxMs: startMs + this.#lastStep * stepMs,
      minBucket: this.now.minBucket,
      maxBucket: this.now.maxBucket,
      maxDiff: this.now.maxDiff,
      count: this.#count,
    });
    this.#count = 0;
    Object.assign(this.now, { minBucket: Infinity, maxBucket: -Infinity, maxDiff: 0 });
  }
}

const histogramQuantile: VectorFunction = {
  kind: "vector",
  apply: (inputs, call, ctx) => {
    const qs = inputs[0]?.[0];
    if (qs === undefined) return [];
    checkQuantiles(qs.values, unwrap(call.args[0]!).range, ctx);
    const range = unwrap(call.args[1]!).range;
    return quantileRows(splitHistograms(inputs[1] ?? [], range, ctx), qs.values, range, ctx);
  },
};

/** A float as OpenMetrics writes it in labels: whole numbers with `.0`. */
function openMetricsFloat(value: number): string {
  if (value === 0) return "0.0";
  const text = formatFloatG(value);
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}

const histogramQuantiles: VectorFunction = {
  kind: "vector",
  apply: (inputs, call, ctx) => {
    const range = unwrap(call.args[0]!).range;
    const label = stringArg(call, 1);
    for (let i = 2; i < call.args.length; i++) {
      checkQuantiles(inputs[i]![0]!.values, unwrap(call.args[i]!).range, ctx);
    }
    const split = splitHistograms(inputs[0] ?? [], range, ctx);
    const out: Row[] = [];
    for (let i = 2; i < call.args.length; i++) {
      const qs = inputs[i]![0]!.values;
      // A histogram is repaired once a step, for the first quantile that looks at its buckets.
      const isFirst = (step: number): boolean => {
        for (let j = 2; j < i; j++) {
          const q = inputs[j]![0]!.values[step]!;
          if (q >= 0 && q <= 1) return false;
        }
        return true;
      };
      const rows = quantileRows(split, qs, range, ctx, isFirst);
      for (const row of rows) out.push(...splitByQuantile(row, label, qs));
    }
    return out;
  },
};

/** Puts the quantile into a label; a row for each quantile, where it changes from step to step. */
function splitByQuantile(row: Row, label: string, qs: Float64Array): Row[] {
  const rows = new Map<string, Row>();
  for (let i = 0; i < qs.length; i++) {
    if (row.present[i] === 0) continue;
    const text = openMetricsFloat(qs[i]!);
    let out = rows.get(text);
    if (out === undefined) {
      out = Row.empty(row.labels.with(label, text), qs.length, row.dropName);
      rows.set(text, out);
    }
    out.setFloat(i, row.values[i]!);
  }
  return [...rows.values()];
}

const histogramFraction: VectorFunction = {
  kind: "vector",
  apply: (inputs, call, ctx) => {
    const from = inputs[0]?.[0]?.values;
    const to = inputs[1]?.[0]?.values;
    if (from === undefined || to === undefined) return [];
    const range = unwrap(call.args[2]!).range;
    const split = splitHistograms(inputs[2] ?? [], range, ctx);
    const delayed = ctx.options.delayedNameRemoval;
    const rows: (Row | null)[] = [];
    for (const native of split.native) {
      const remarks: NaNRemarks = { result: false, skew: false };
      rows.push(answerNative(native, ctx, (h, i) => nativeFraction(from[i]!, to[i]!, h, remarks)));
      const name = delayed ? native.row.labels.get("__name__") : "";
      if (remarks.skew) ctx.annotations.info(infos.fractionNaNs(name), range);
    }
    const scratch = scratchFor(split.classic);
    for (const group of split.classic) {
      ctx.check();
      rows.push(
        answerClassic(group, scratch, ctx, (size, i) =>
          bucketFraction(from[i]!, to[i]!, scratch.bounds, scratch.counts, size),
        ),
      );
    }
    const out = rows.filter((row) => row !== null);
    for (const row of out) dropMetricName(row, delayed);
    return out;
  },
};

/** Histogram functions by name. */
export const histogramFunctions: ReadonlyMap<string, FunctionImplementation> = new Map<
  string,
  FunctionImplementation
>([
  ["histogram_count", ofHistogram((h) => h.count)],
  ["histogram_sum", ofHistogram((h) => h.sum)],
  ["histogram_avg", ofHistogram((h) => h.sum / h.count)],
  ["histogram_stdvar", ofHistogram(nativeVariance)],
  ["histogram_stddev", ofHistogram((h) => Math.sqrt(nativeVariance(h)))],
  ["histogram_quantile", histogramQuantile],
  ["histogram_quantiles", histogramQuantiles],
  ["histogram_fraction", histogramFraction],
]);
