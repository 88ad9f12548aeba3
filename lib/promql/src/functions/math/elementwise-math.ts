// Functions of one float: abs, ceil, exp, the trigonometric ones, clamp, round.
import { goLog2 } from "@deucalion/model";
import { dropMetricName, type Row } from "../../row.ts";
import type { ElementwiseFunction, EvalContext } from "../contract.ts";
import { goLog10, goMax, goMin } from "./go-math.ts";
import { goAcos, goAsin, goAtan, goCos, goSin, goTan } from "./go-trigonometry.ts";

/** Drops the samples that are histograms; false if no sample is left. */
export function keepFloats(row: Row): boolean {
  if (row.histograms === null) return true;
  let left = false;
  for (let i = 0; i < row.present.length; i++) {
    if (row.histograms[i] !== undefined) row.present[i] = 0;
    else if (row.present[i] === 1) left = true;
  }
  row.histograms = null;
  return left;
}

/** Floats only, without the metric name; null if nothing is left. */
export function floatRow(row: Row, ctx: EvalContext): Row | null {
  if (!keepFloats(row)) return null;
  dropMetricName(row, ctx.options.delayedNameRemoval);
  return row;
}

function ofFloat(change: (value: number) => number): ElementwiseFunction {
  return {
    kind: "elementwise",
    vectorArg: 0,
    apply: (row, _args, _call, ctx) => {
      const out = floatRow(row, ctx);
      if (out === null) return null;
      const values = out.values;
      for (let i = 0; i < values.length; i++) values[i] = change(values[i]!);
      return out;
    },
  };
}

/** Clamps to per-step bounds; where the bounds cross there is no result. */
function clampRow(
  row: Row,
  low: Row | undefined,
  high: Row | undefined,
  ctx: EvalContext,
): Row | null {
  const out = floatRow(row, ctx);
  if (out === null) return null;
  let left = false;
  for (let i = 0; i < out.values.length; i++) {
    if (out.present[i] === 0) continue;
    const from = low === undefined ? -Infinity : low.values[i]!;
    const to = high === undefined ? Infinity : high.values[i]!;
    if (to < from) {
      out.present[i] = 0;
      continue;
    }
    left = true;
    out.values[i] = goMax(from, goMin(to, out.values[i]!));
  }
  return left ? out : null;
}

const round: ElementwiseFunction = {
  kind: "elementwise",
  vectorArg: 0,
  apply: (row, args, _call, ctx) => {
    const out = floatRow(row, ctx);
    if (out === null) return null;
    const nearest = args[1]?.values;
    for (let i = 0; i < out.values.length; i++) {
      const inverse = 1 / (nearest === undefined ? 1 : nearest[i]!);
      out.values[i] = Math.floor(out.values[i]! * inverse + 0.5) / inverse;
    }
    return out;
  },
};

function sign(value: number): number {
  if (value < 0) return -1;
  return value > 0 ? 1 : value;
}

/** Functions of one float, by name. */
export const mathFunctions: ReadonlyMap<string, ElementwiseFunction> = new Map([
  ["abs", ofFloat(Math.abs)],
  ["ceil", ofFloat(Math.ceil)],
  ["floor", ofFloat(Math.floor)],
  ["exp", ofFloat(Math.exp)],
  ["sqrt", ofFloat(Math.sqrt)],
  ["ln", ofFloat(Math.log)],
  ["log2", ofFloat(goLog2)],
  ["log10", ofFloat(goLog10)],
  ["sin", ofFloat(goSin)],
  ["cos", ofFloat(goCos)],
  ["tan", ofFloat(goTan)],
  ["asin", ofFloat(goAsin)],
  ["acos", ofFloat(goAcos)],
  ["atan", ofFloat(goAtan)],
  ["sinh", ofFloat(Math.sinh)],
  ["cosh", ofFloat(Math.cosh)],
  ["tanh", ofFloat(Math.tanh)],
  ["asinh", ofFloat(Math.asinh)],
  ["acosh", ofFloat(Math.acosh)],
  ["atanh", ofFloat(Math.atanh)],
  ["rad", ofFloat((value) => (value * Math.PI) / 180)],
  ["deg", ofFloat((value) => (value * 180) / Math.PI)],
  ["sgn", ofFloat(sign)],
  ["round", round],
  [
    "clamp",
    {
      kind: "elementwise",
      vectorArg: 0,
      apply: (row, args, _call, ctx) => clampRow(row, args[1], args[2], ctx),
    },
  ],
  [
    "clamp_min",
    {
      kind: "elementwise",
      vectorArg: 0,
      apply: (row, args, _call, ctx) => clampRow(row, args[1], undefined, ctx),
    },
  ],
  [
    "clamp_max",
    {
      kind: "elementwise",
      vectorArg: 0,
      apply: (row, args, _call, ctx) => clampRow(row, undefined, args[1], ctx),
    },
  ],
]);
