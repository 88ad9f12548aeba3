// Queries that are meant to hurt: each must end in an answer or a refusal, and the process must live.

export interface Hostile {
  readonly name: string;
  readonly path: "query" | "query_range" | "series" | "labels" | "label/job/values";
  readonly params: Readonly<Record<string, string>>;
}

function nested(open: string, inner: string, close: string, depth: number): string {
  return open.repeat(depth) + inner + close.repeat(depth);
}

/** Grows a label by itself, again and again. */
function growingLabel(times: number): string {
  let query = 'label_replace(up, "x", "0123456789abcdef", "", "")';
  for (let i = 0; i < times; i++) query = `label_join(${query}, "x", "", "x", "x")`;
  return query;
}

/** All of them, over data that begins at `start` (seconds) and lasts `length`. */
export function hostileQueries(start: number, length: number): Hostile[] {
  const end = start + length;
  const middle = String(start + length / 2);
  const instant = (name: string, query: string): Hostile => ({
    name,
    path: "query",
    params: { query, time: middle },
  });
  const range = (name: string, query: string, step: number): Hostile => ({
    name,
    path: "query_range",
    params: { query, start: String(start), end: String(end), step: String(step) },
  });
  const words = Array.from({ length: 60_000 }, (_, i) => `value-${i * 7919}`);
  return [
    instant("10,000 parentheses", nested("(", "up", ")", 10_000)),
    instant("10,000 calls", nested("abs(", "up", ")", 10_000)),
    instant("900 calls", nested("abs(", "up", ")", 900)),
    instant("10,000 aggregations", nested("sum by (a) (", "up", ")", 10_000)),
    instant("10,000 signs", `${"-".repeat(10_000)}up`),
    instant("20,000 terms", Array.from({ length: 20_000 }, () => "1").join("+")),
    instant("900 vectors", Array.from({ length: 900 }, () => "up").join("+")),
    instant("10,000 subqueries", `up${"[1h:1m]".repeat(10_000)}`),
    instant("200 subqueries", nested("max_over_time(", "up", "[5m:30s])", 200)),
    instant("unclosed", "(".repeat(1_000_000)),
    instant("unclosed string", `up{job="${"x".repeat(1_000_000)}`),

    instant("every series", '{__name__=~".+"}'),
    instant("count of every series", 'count({__name__=~".+"})'),
    instant("every series by id", 'count by (id) ({__name__=~".+"})'),
    instant("topk of every series", 'topk(1000000, {__name__=~".+"})'),
    instant("every series sorted", 'sort_desc({__name__=~".+"})'),
    instant("every series twice", '{__name__=~".+"} or {__name__=~".*.+"}'),
    instant("every series joined", '{__name__=~".+"} * on (id, __name__) {__name__=~".+"}'),
    instant("cross product", 'up * on () group_left {__name__=~"m.*"}'),
    range("every series over time", '{__name__=~".+"}', 15),
    range("every series folded", 'sum by (part) ({__name__=~".+"})', 15),
    instant("raw samples of everything", '{__name__=~".+"}[2h]'),
    instant("median of everything", 'quantile(0.5, {__name__=~".+"})'),

    range("too many steps", "up", 0.1),
    {
      name: "a huge range",
      path: "query_range",
      params: { query: "up", start: "0", end: "9000000000", step: "1000000" },
    },
    instant("a subquery of 100 years", "count_over_time(vector(1)[100y:1s])"),
    instant("a subquery in ms", "max_over_time(rate(req_total[5m])[2h:1ms])"),
    instant(
      "subqueries of subqueries",
      "max_over_time(sum_over_time(avg_over_time(up[1h:1s])[1h:1s])[1h:1s])",
    ),
    instant("raw subquery in ms", "up[2h:1ms]"),
    range("ranges of years", "max_over_time(req_total[50y])", 15),
    range("quantiles of long ranges", "quantile_over_time(0.9, req_total[2h])", 1),
    range("deviations of subqueries", "stddev_over_time(rate(req_total[5m])[1h:1s])", 15),
    range("11,000 steps", "sum(rate(req_total[1h]))", length / 10_900),

    instant("nested repetition", 'up{job=~"(a+)+$"}'),
    instant("nested stars", '{__name__=~"((((.*)*)*)*)*x"}'),
    instant("alternation of overlaps", '{__name__=~"m.*",id=~"(a|aa|.|..)*[^0-9a-f]"}'),
    instant("counted repetition", 'up{job=~"(x{1000}){1000}"}'),
    instant("repetition below the limit", '{__name__=~"m.*",id=~"(.{0,30}){0,30}[^0-9a-f]"}'),
    instant("many wildcards", '{__name__=~"m.*",id=~".*.*.*.*.*.*.*.*.*.*.*.*=.*.*.*.*.*.*.*"}'),
    instant(
      "replacement by a nested pattern",
      'label_replace({__name__=~"m.*"}, "y", "$1$1$1", "id", "((((.*)*)*)*)*")',
    ),
    instant("1 MB alternation", `up{job=~"${words.join("|")}"}`),
    instant(
      "1 MB alternation of patterns",
      `up{job=~"${words.map((word) => `${word}.*`).join("|")}"}`,
    ),
    instant("1 MB value", `up{job="${"v".repeat(1_000_000)}"}`),
    instant("1 MB class", `up{job=~"[${"abcdefghij".repeat(100_000)}]+"}`),
    instant(
      "10,000 matchers",
      `up{${Array.from({ length: 10_000 }, (_, i) => `l${i}!="x"`).join(",")}}`,
    ),

    instant("a label that doubles 18 times", growingLabel(18)),
    instant("a label that doubles 40 times", growingLabel(40)),
    instant(
      "a label for each series",
      'label_replace({__name__=~".+"}, "z", "$1-$1-$1-$1", "id", "(.*)")',
    ),
    instant("values as labels", 'count_values("v", {__name__=~".+"} * 1.000001)'),
    range("times as labels", 'count_values("v", time() + up)', length / 10_900),
    instant(
      "times of a subquery as labels",
      'count_values("v", count_over_time(vector(time())[1h:1s]))',
    ),
    instant(
      "joined labels of everything",
      'label_join({__name__=~".+"}, "j", "-", "id", "part", "mod", "id", "part", "mod")',
    ),

    {
      name: "every series' labels",
      path: "series",
      params: { "match[]": '{__name__=~".+"}', start: String(start), end: String(end) },
    },
    { name: "every label name", path: "labels", params: { "match[]": '{__name__=~".+"}' } },
  ];
}
