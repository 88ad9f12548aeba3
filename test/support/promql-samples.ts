// Random range queries over the series of the recorded `ha` bucket.
import fc from "fast-check";

const metrics = [
  "http_requests_total",
  "up",
  "cpu_temp_celsius",
  "only_in_a",
  "rpc_duration_seconds",
];
const windows = ["45s", "1m", "2m", "5m", "11m"];
const labels = ["cluster", "job", "instance", "code", "replica", "none"];

const pick = <T>(items: readonly T[]) => fc.constantFrom(...items);

const modifier = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  pick([
    " offset 3m",
    " offset -2m",
    " @ start()",
    " @ end()",
    " @ 1704157200",
    " @ end() offset 1m",
  ]),
);
const selector = fc
  .tuple(
    pick(metrics),
    pick(["", "", '{cluster="eu"}', '{job=~"web|api"}', '{instance!="host-00:80"}']),
  )
  .map(([name, matchers]) => name + matchers);
const grouping = fc
  .tuple(pick(["by", "without"]), fc.uniqueArray(pick(labels), { minLength: 1, maxLength: 3 }))
  .map(([word, names]) => ` ${word} (${names.join(", ")}) `);

const leaf = fc.oneof(
  fc.tuple(selector, modifier).map(([text, at]) => text + at),
  fc
    .tuple(
      pick([
        "rate",
        "increase",
        "irate",
        "delta",
        "avg_over_time",
        "sum_over_time",
        "max_over_time",
        "count_over_time",
        "stddev_over_time",
        "quantile_over_time",
        "last_over_time",
        "deriv",
        "changes",
        "resets",
      ]),
      selector,
      pick(windows),
      modifier,
    )
    .map(([func, text, window, at]) =>
      func === "quantile_over_time"
        ? `${func}(0.7, ${text}[${window}]${at})`
        : `${func}(${text}[${window}]${at})`,
    ),
  fc
    .tuple(
      pick(["max_over_time", "avg_over_time", "sum_over_time"]),
      selector,
      pick(["10m", "7m"]),
      pick(["", "1m", "90s"]),
      modifier,
    )
    .map(([func, text, range, step, at]) => `${func}(rate(${text}[3m])[${range}:${step}]${at})`),
);

/** Text of a query that parses; whether it can be evaluated is another matter. */
export const rangeQueries: fc.Arbitrary<string> = fc.letrec<{ expr: string; aggregate: string }>(
  (tie) => ({
    aggregate: fc
      .tuple(
        pick([
          "sum",
          "avg",
          "min",
          "max",
          "count",
          "stddev",
          "quantile",
          "topk",
          "group",
          "count_values",
        ]),
        fc.oneof({ weight: 4, arbitrary: grouping }, fc.constant("")),
        leaf,
      )
      .map(([op, group, inner]) => {
        if (op === "topk") return `topk${group}(2, ${inner})`;
        if (op === "quantile") return `quantile${group}(0.3, ${inner})`;
        if (op === "count_values") return `count_values${group}("val", ${inner})`;
        return `${op}${group}(${inner})`;
      }),
    expr: fc.oneof(
      { maxDepth: 2, depthSize: "small" },
      { weight: 2, arbitrary: leaf },
      { weight: 5, arbitrary: tie("aggregate") },
      {
        weight: 3,
        arbitrary: fc
          .tuple(
            tie("expr"),
            pick(["+", "-", "/", "and", "or", "unless", ">", "== bool"]),
            pick(["", " on (cluster, job) ", " ignoring (code) ", " on (cluster, instance, job) "]),
            tie("expr"),
          )
          .map(([a, op, matching, b]) => `(${a}) ${op}${matching} (${b})`),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(
            pick([
              "abs(#)",
              "# * 3",
              "-(#)",
              "histogram_quantile(0.9, #)",
              "timestamp(#)",
              "# or vector(1)",
              "absent(#)",
              "scalar(#) + 1",
              "time() - #",
              'label_replace(#, "job", "x-$1", "instance", "(.*)")',
              "sort(#)",
              "clamp_max(#, 5)",
              "round(#)",
            ]),
            tie("expr"),
          )
          .map(([shape, inner]) => shape.replace("#", `(${inner})`)),
      },
    ),
  }),
).expr;

export interface RangeParams {
  /** Unix seconds. */
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Ranges in and around the two hours of the bucket. */
export const rangeParams: fc.Arbitrary<RangeParams> = fc
  .record({
    from: fc.integer({ min: -600, max: 6900 }),
    length: fc.integer({ min: 0, max: 7800 }),
    step: pick([15, 30, 47, 60, 90, 300, 0.5 * 61]),
  })
  .map(({ from, length, step }) => ({
    start: 1704153600 + from,
    end: 1704153600 + from + length,
    step,
  }));
