// Language levels: what a peer's PromQL knows, and what data may be shown to it.

/** "2.42" is Debian's Prometheus, "3.14" the whole language with its features turned on. */
export type Level = "2.42" | "3.14";

/** Functions of an instant vector without further arguments. */
export function vectorFunctions(level: Level): readonly string[] {
  const old =
    "abs ceil floor exp ln log2 log10 sqrt sgn deg rad acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh";
  const dates =
    "day_of_month day_of_week day_of_year days_in_month hour minute month year timestamp";
  const histograms =
    level === "2.42"
      ? ""
      : " histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum";
  return `${old} ${dates}${histograms}`.split(" ");
}

/** Functions of a range vector without further arguments. */
export function rangeFunctions(level: Level): readonly string[] {
  const old =
    "avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time absent_over_time";
  const added =
    " first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time";
  return `${old}${level === "2.42" ? "" : added}`.split(" ");
}

/** The feature flags that a Prometheus of the level needs to know the whole language. */
export function prometheusFeatures(level: Level): readonly string[] {
  if (level === "2.42") return [];
  return [
    "--enable-feature=promql-experimental-functions,promql-extended-range-selectors,promql-binop-fill-modifiers",
  ];
}
