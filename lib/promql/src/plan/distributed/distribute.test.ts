// What is sent to other queriers, and what is put together here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@deucalion/model";
import type { ParseOptions } from "../../parse/ast.ts";
import { parseExpr } from "../../parse/parse.ts";
import { printExpr } from "../../parse/print/print.ts";
import { planQuery } from "../plan.ts";
import type { RemoteEngine, Remotes } from "./remote-engine.ts";

const parse: ParseOptions = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};
const hour = 3_600_000;
const times = { startMs: 10 * hour, endMs: 12 * hour, stepMs: 60_000 };

function engine(name: string, labels: Record<string, string>, from = 0, to = 100): RemoteEngine {
  const sets = [Labels.from(Object.entries(labels))];
  return {
    name,
    minTime: from * hour,
    maxTime: to * hour,
    labelSets: sets,
    partitionSets: sets,
    evaluate: () => Promise.resolve(0),
  };
}

const eu = engine("a:1", { region: "eu" });
const us = engine("b:1", { region: "us" });

function remotes(engines: RemoteEngine[], others: Record<string, string>[] = []): Remotes {
  const stores = others.map((labels) => ({
    labelSets: [Labels.from(Object.entries(labels))],
    text: "c:1",
  }));
  return { engines, others: stores, missing: [] };
}

function spread(query: string, to = remotes([eu, us]), at = times) {
  const options = { lookbackMs: 300_000, defaultStepMs: 60_000, remotes: to };
  return planQuery(parseExpr(query, parse), at, options);
}

function text(query: string, to = remotes([eu, us]), at = times): string {
  return printExpr(spread(query, to, at).root);
}

/** The engines that a query goes to, each with the step in hours from which on. */
function asked(query: string, to: Remotes, at = times): string[] {
  return [...spread(query, to, at).remoteParts.values()].flatMap(({ engines }) =>
    engines.map(({ engine: one, startMs }) =>
      startMs === null ? one.name : `${one.name} from ${startMs / hour}`,
    ),
  );
}

test("planQuery() spreads what is the union of its parts", () => {
  const cases: [string, string][] = [
    ["up", "remote(up)"],
    ["rate(up[5m])", "remote(rate(up[5m]))"],
    ["-(up + 1) * 2", "remote((-(up + 1)) * 2)"],
    ["sum(up)", "sum(remote(sum by (region) (up)))"],
    ["sum by (job) (rate(x[5m]))", "sum by (job) (remote(sum by (job, region) (rate(x[5m]))))"],
    ["sum without (pod, region) (x)", "sum without (pod, region) (remote(sum without (pod) (x)))"],
    ["count(up)", "sum(remote(count by (region) (up)))"],
    ["min(up)", "min(remote(min by (region) (up)))"],
    ["group(up)", "group(remote(group by (region) (up)))"],
    ["topk(3, up)", "topk(3, remote(topk by (region) (3, up)))"],
    [
      "avg by (job) (up)",
      "sum by (job) (remote(sum by (job, region) (up))) / sum by (job) (remote(count by (job, region) (up)))",
    ],
    ["avg by (region) (up)", "remote(avg by (region) (up))"],
    ["quantile(0.9, up)", "quantile(0.9, remote(up))"],
    ["quantile by (region) (0.9, up)", "remote(quantile by (region) (0.9, up))"],
    [
      "topk(3, sum by (region) (up))",
      "topk(3, remote(topk by (region) (3, sum by (region) (up))))",
    ],
    ["a / on (job) b", "remote(a) / on (job) remote(b)"],
    ["a / on (job, region) b", "remote(a / on (job, region) b)"],
    ["a and b", "remote(a and b)"],
    ["a or vector(0)", "remote(a) or vector(0)"],
    ["sum(a) / sum(b)", "sum(remote(sum by (region) (a))) / sum(remote(sum by (region) (b)))"],
    ["clamp_max(a, scalar(b))", "clamp_max(remote(a), scalar(remote(b)))"],
    ["sort(a)", "sort(remote(a))"],
    ["absent(a)", "absent(a)"],
    ["absent(sum(a))", "absent(sum(remote(sum by (region) (a))))"],
    ['label_replace(a, "region", "x", "", "")', 'label_replace(remote(a), "region", "x", "", "")'],
    ['label_replace(a, "zone", "x", "", "")', 'remote(label_replace(a, "zone", "x", "", ""))'],
    ['count_values("region", a)', 'count_values("region", remote(a))'],
    ["max_over_time(sum(a)[1h:1m])", "max_over_time(sum(remote(sum by (region) (a)))[1h:1m])"],
    ["max_over_time(sum(a)[1h:1500ms])", "max_over_time(sum(a)[1h:1s500ms])"],
    [
      "histogram_quantile(0.9, sum by (le) (rate(b[5m])))",
      "histogram_quantile(0.9, sum by (le) (remote(sum by (le, region) (rate(b[5m])))))",
    ],
    ["max_over_time(a[1h:])", "remote(max_over_time(a[1h:1m]))"],
    ["vector(1)", "vector(1)"],
    ["time()", "time()"],
  ];
  for (const [query, want] of cases) assert.equal(text(query), want, query);
});

test("planQuery() sends a query that concerns one querier there as a whole", () => {
  assert.equal(text('avg(up{region="eu"})'), 'remote(avg(up{region="eu"}))');
  assert.deepEqual(asked('absent(up{region="eu"})', remotes([eu, us])), ["a:1"]);
  assert.deepEqual(asked('up{region="eu"} or down{region="us"}', remotes([eu, us])), [
    "a:1",
    "b:1",
  ]);
  assert.equal(
    text('topk(2, up{region="eu"})'),
    'topk(2, remote(topk by (region) (2, up{region="eu"})))',
  );
});

test("planQuery() evaluates here what other stores may have, and at times that are not whole seconds", () => {
  const with3 = remotes([eu, us], [{ region: "asia" }]);
  assert.equal(text("sum(up)", with3), "sum(up)");
  assert.equal(text('sum(up{region=~"eu|us"})', with3).includes("remote("), true);
  assert.equal(text("sum(up)", remotes([eu, us]), { ...times, startMs: 1 }), "sum(up)");
});

test("planQuery() evaluates here where label sets may overlap", () => {
  const part = engine("c:1", { region: "eu", zone: "1" });
  assert.equal(text("sum(up)", remotes([eu, part])), "sum(up)");
  assert.equal(text("sum(up)", remotes([us, part])), "sum(remote(sum by (region, zone) (up)))");
});

test("planQuery() lets the older of two queriers with the same labels fill in before the newer", () => {
  const old = engine("old:1", { region: "eu" }, 0, 11.5);
  const young = engine("young:1", { region: "eu" }, 10.5, 100);
  assert.deepEqual(asked("sum(up)", remotes([young, old])), [
    "old:1",
    `young:1 from ${10.5 + 1 / 12}`,
  ]);
  assert.deepEqual(asked("sum(rate(up[30m]))", remotes([young, old])), [
    "old:1",
    "young:1 from 11",
  ]);
  // The window does not fit into what both have.
  assert.equal(text("sum(rate(up[2h]))", remotes([young, old])), "sum(rate(up[2h]))");
  assert.equal(text("sum(up @ 100)", remotes([young, old])), "sum(up @ 100.000)");
  const now = { startMs: 11 * hour, endMs: 11 * hour, stepMs: 0 };
  assert.deepEqual(asked("sum(up)", remotes([young, old]), now), ["old:1", "young:1"]);
  const soon = { startMs: 10.51 * hour, endMs: 10.51 * hour, stepMs: 0 };
  assert.deepEqual(asked("sum(up)", remotes([young, old]), soon), ["old:1"]);
});
