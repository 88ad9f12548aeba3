// Every function of PromQL: what it takes and gives.
import type { ValueType } from "./ast.ts";

export interface FunctionSignature {
  readonly name: string;
  readonly argTypes: readonly ValueType[];
  /**
   * 0: exactly `argTypes`; n > 0: the last of `argTypes` may be absent or be repeated, with up to n of them;
   * −1: any number of them.
   */
  readonly variadic: number;
  readonly returnType: ValueType;
  /** Only with ParseOptions.experimentalFunctions. */
  readonly experimental: boolean;
  /** Thanos' own, only with ParseOptions.xFunctions. */
  readonly extended: boolean;
}

type Row = readonly [
  args: string,
  returns: ValueType,
  variadic: number,
  kind: string,
  names: string,
];

const rows: readonly Row[] = [
  ["", "scalar", 0, "", "pi time"],
  ["vector", "scalar", 0, "", "scalar"],
  [
    "matrix",
    "vector",
    0,
    "",
    "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time",
  ],
  ["scalar", "vector", 0, "", "vector"],
  [
    "vector",
    "vector",
    0,
    "",
    "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp",
  ],
  [
    "vector",
    "vector",
    1,
    "",
    "day_of_month day_of_week day_of_year days_in_month hour minute month year",
  ],
  ["matrix scalar", "vector", 0, "", "predict_linear"],
  ["scalar matrix", "vector", 0, "", "quantile_over_time"],
  ["scalar vector", "vector", 0, "", "histogram_quantile"],
  ["vector scalar", "vector", 0, "", "clamp_max clamp_min"],
  ["vector scalar", "vector", 1, "", "round"],
  ["scalar scalar vector", "vector", 0, "", "histogram_fraction"],
  ["vector scalar scalar", "vector", 0, "", "clamp"],
  ["vector string string string", "vector", -1, "", "label_join"],
  ["vector string string string string", "vector", 0, "", "label_replace"],
  ["", "scalar", 0, "experimental", "end range start step"],
  ["scalar scalar", "scalar", 0, "experimental", "max_of min_of"],
  [
    "matrix",
    "vector",
    0,
    "experimental",
    "mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time",
  ],
  ["vector", "vector", 0, "experimental", "start_timestamp"],
  ["vector string", "vector", -1, "experimental", "sort_by_label sort_by_label_desc"],
  ["vector vector", "vector", 1, "experimental", "info"],
  ["matrix scalar scalar", "vector", 0, "experimental", "double_exponential_smoothing"],
  ["vector string scalar scalar", "vector", 9, "experimental", "histogram_quantiles"],
  ["matrix", "vector", 0, "extended", "xdelta xincrease xrate"],
];

function build(): ReadonlyMap<string, FunctionSignature> {
  const map = new Map<string, FunctionSignature>();
  for (const [args, returnType, variadic, kind, names] of rows) {
    const argTypes = args === "" ? [] : (args.split(" ") as ValueType[]);
    for (const name of names.split(" ")) {
      map.set(name, {
        name,
        argTypes,
        variadic,
        returnType,
        experimental: kind === "experimental",
        extended: kind === "extended",
      });
    }
  }
  return map;
}

/** All functions by name. */
export const functions: ReadonlyMap<string, FunctionSignature> = build();
