// Splitting, `@` modifiers, reach into the future, and labels to shard by.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExpr } from "@deucalion/promql";
import fc from "fast-check";
import { queryFacts } from "./query-facts.ts";
import { isOrdered, shardLabels } from "./shard-analysis.ts";
import { splitInterval, splitSteps, splitTime } from "./split.ts";

const parse = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};
const span = { startMs: 1_000_000, endMs: 2_000_500 };

test("splitSteps() ends parts at the last step before a multiple of the interval", () => {
  assert.deepEqual(splitSteps({ startMs: 50, endMs: 250 }, 30, 100), [
    { startMs: 50, endMs: 80 },
    { startMs: 110, endMs: 170 },
    { startMs: 200, endMs: 250 },
  ]);
});

test("splitSteps() keeps every step once, whatever the range", () => {
  const ms = fc.integer({ min: 1, max: 500 });
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(3000), ms, ms, (startMs, length, step, interval) => {
      const whole = { startMs, endMs: startMs + length };
      const steps: number[] = [];
      for (const part of splitSteps(whole, step, interval)) {
        for (let t = part.startMs; t <= part.endMs; t += step) {
          const isLast = t + step > whole.endMs;
          assert.ok(isLast || Math.floor(t / interval) === Math.floor(part.startMs / interval));
          steps.push(t);
        }
      }
      const want: number[] = [];
      for (let t = startMs; t <= whole.endMs; t += step) want.push(t);
      assert.deepEqual(steps, want);
    }),
  );
});

test("splitTime() covers a range without overlap", () => {
  assert.deepEqual(splitTime({ startMs: 150, endMs: 310 }, 100), [
    { startMs: 150, endMs: 199 },
    { startMs: 200, endMs: 299 },
    { startMs: 300, endMs: 310 },
  ]);
});

test("splitInterval() chooses by length where it is dynamic", () => {
  const options = { intervalMs: 0, minIntervalMs: 60, maxIntervalMs: 600, shards: 4 };
  const of = (length: number) => splitInterval(options, { startMs: 0, endMs: length });
  assert.deepEqual([of(30), of(60), of(100), of(1199), of(1200)], [60, 60, 25, 299, 600]);
  assert.equal(splitInterval({ ...options, intervalMs: 7 }, span), 7);
});

test("queryFacts() puts times in the place of start() and end(), and places back in warnings", () => {
  const query = 'rate(x{a="@ end()"}[5m] @ start()) +\n y @ end( ) + rate(z[5m])';
  const facts = queryFacts(query, span, parse)!;
  assert.equal(facts.text, 'rate(x{a="@ end()"}[5m] @ 1000.000) +\n y @ 2000.500 + rate(z[5m])');
  assert.equal(facts.splittable, true);
  const at = query.split("\n")[1]!.indexOf("rate") + 1;
  const moved = facts.text.split("\n")[1]!.indexOf("rate") + 1;
  assert.equal(
    facts.place(`PromQL info: is no counter (2:${moved})`),
    `PromQL info: is no counter (2:${at})`,
  );
  assert.equal(facts.place("PromQL info: is no counter (1:6)"), "PromQL info: is no counter (1:6)");
  assert.equal(facts.latestAtMs, span.endMs);
});

test("queryFacts() knows what depends on the range, and how far ahead a query looks", () => {
  const of = (query: string) => queryFacts(query, span, parse);
  assert.equal(of("x + range()")!.splittable, false);
  assert.equal(of("rate(x[range()])")!.splittable, false);
  assert.equal(of("rate(x[step()])")!.splittable, true);
  assert.equal(of("rate(x[step()])")!.readsStep, true);
  assert.equal(of("rate(x[5m])")!.readsStep, false);
  // The function is 0 where there is one step only.
  assert.equal(of("x + step()")!.splittable, false);
  assert.equal(of("x +"), null);
  assert.equal(of("x")!.aheadMs, 0);
  assert.equal(of("x offset -5m")!.aheadMs, 300_000);
  assert.equal(of("max_over_time(rate(x[1m] offset -1m)[10m:] offset -1h)")!.aheadMs, 3_660_000);
  assert.equal(of("max_over_time(rate(x[1m] offset -1m)[10m:] offset 1h)")!.aheadMs, -3_540_000);
  assert.equal(of("x @ 100 offset -1m")!.latestAtMs, 160_000);
});

test("shardLabels() finds labels that keep groups and matches together", () => {
  const of = (query: string) => shardLabels(parseExpr(query, parse));
  assert.deepEqual(of("sum by (a, b) (rate(x[5m]))"), { by: true, labels: ["a", "b"] });
  assert.deepEqual(of("sum without (a) (x)"), { by: false, labels: ["a", "__name__"] });
  assert.deepEqual(of("sum by (a) (x) / on (a, c) sum by (a, c) (y)"), { by: true, labels: ["a"] });
  assert.deepEqual(of("histogram_quantile(0.9, sum by (le, a) (rate(x[5m])))"), {
    by: true,
    labels: ["a"],
  });
  assert.deepEqual(of("x / ignoring (b) group_left (c) y"), {
    by: false,
    labels: ["b", "__name__", "c"],
  });
  assert.deepEqual(of('sum by (a, d) (label_replace(x, "d", "$1", "e", "(.*)"))'), {
    by: true,
    labels: ["a"],
  });
  assert.deepEqual(of('count_values by (a) ("v", x)'), { by: true, labels: ["a"] });
  for (const query of [
    "x",
    "sum(x)",
    "sum by (__name__) (x)",
    "sum by (a) (x) or vector(0)",
    "absent(sum by (a) (x))",
    "sum by (a) (x) * scalar(sum(y))",
    "sum by (a) (x) / on () group_left () y",
    "sum by (a) (x) + on (b) y",
    "topk by (a) (scalar(y), x)",
    "sum by (a) (x) and hour()",
    "1 + 1",
  ]) {
    assert.equal(of(query), null, query);
  }
});

test("isOrdered() sees where the order of a vector matters", () => {
  const of = (query: string) => isOrdered(parseExpr(query, parse));
  assert.deepEqual(["sort(x)", "topk(2, x)", "-(sort_desc(x))", "sum by (a) (sort(x))"].map(of), [
    true,
    true,
    true,
    false,
  ]);
});
