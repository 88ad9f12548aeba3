// Scalars from nothing or from vectors, and back: time, pi, scalar, vector, max_of, min_of, absent, timestamp.
import { Labels } from "@deucalion/model";
import type { Call } from "../parse/ast.ts";
import { dropMetricName, Row } from "../row.ts";
import { unwrap } from "./arguments.ts";
import type {
  ElementwiseFunction,
  EvalContext,
  FunctionImplementation,
  VectorFunction,
} from "./contract.ts";
import { goMax, goMin } from "./math/go-math.ts";

/** Unix seconds of each step. */
function stepTimes(ctx: EvalContext): Float64Array {
  const { startMs, stepMs, count } = ctx.steps;
  return Float64Array.from({ length: count }, (_, i) => (startMs + i * stepMs) / 1000);
}

function vector(apply: VectorFunction["apply"]): VectorFunction {
  return { kind: "vector", apply };
}

const scalar = vector((inputs, _call, ctx) => {
  const count = ctx.steps.count;
  const out = Row.scalar(Number.NaN, count);
  const seen = new Uint32Array(count);
  for (const row of inputs[0] ?? []) {
    for (let i = 0; i < count; i++) {
      if (row.present[i] === 0 || row.histograms?.[i] !== undefined) continue;
      out.values[i] = ++seen[i]! === 1 ? row.values[i]! : Number.NaN;
    }
  }
  return [out];
});

function ofTwo(pick: (a: number, b: number) => number): VectorFunction {
  return vector((inputs, _call, ctx) => {
    const out = Row.scalar(0, ctx.steps.count);
    const a = inputs[0]![0]!.values;
    const b = inputs[1]![0]!.values;
    for (let i = 0; i < ctx.steps.count; i++) out.values[i] = pick(a[i]!, b[i]!);
    return [out];
  });
}

/** Labels that every series matched by the argument has for sure; a name with two equality matchers has none. */
export function absentLabels(call: Call): Labels {
  const arg = call.args[0] === undefined ? undefined : unwrap(call.args[0]);
  const selector = arg?.kind === "matrix" ? arg.selector : arg;
  if (selector?.kind !== "vector") return Labels.empty;
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const matcher of selector.matchers) {
    if (matcher.name === "__name__") continue;
    if (matcher.type === "=" && !seen.has(matcher.name)) {
      labels.set(matcher.name, matcher.value);
      seen.add(matcher.name);
    } else labels.delete(matcher.name);
  }
  return Labels.from(labels);
}

const absent = vector((inputs, call, ctx) => {
  const out = Row.empty(absentLabels(call), ctx.steps.count);
  out.values.fill(1);
  out.present.fill(1);
  for (const row of inputs[0] ?? []) {
    for (let i = 0; i < ctx.steps.count; i++) if (row.present[i] === 1) out.present[i] = 0;
  }
  return out.isEmpty() ? [] : [out];
});

/** Of a computed vector: the time of the step. Over a selector the engine answers itself. */
const timestamp: ElementwiseFunction = {
  kind: "elementwise",
  vectorArg: 0,
  apply: (row, _args, _call, ctx) => {
    row.values = stepTimes(ctx);
    row.histograms = null;
    dropMetricName(row, ctx.options.delayedNameRemoval);
    return row;
  },
};

const startTimestamp: ElementwiseFunction = {
  kind: "elementwise",
  vectorArg: 0,
  apply: () => null,
};

/** These functions by name. */
export const scalarFunctions: ReadonlyMap<string, FunctionImplementation> = new Map<
  string,
  FunctionImplementation
>([
  [
    "time",
    vector((_inputs, _call, ctx) => {
      const out = Row.scalar(0, ctx.steps.count);
      out.values = stepTimes(ctx);
      return [out];
    }),
  ],
  ["pi", vector((_inputs, _call, ctx) => [Row.scalar(Math.PI, ctx.steps.count)])],
  ["scalar", scalar],
  ["vector", vector((inputs) => inputs[0] ?? [])],
  ["max_of", ofTwo(goMax)],
  ["min_of", ofTwo(goMin)],
  ["absent", absent],
  ["timestamp", timestamp],
  ["start_timestamp", startTimestamp],
]);
