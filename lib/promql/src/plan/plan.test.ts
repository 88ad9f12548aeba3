// Plans: what is constant, what is the same at every step, and what selectors tell sources.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Expr, ParseOptions } from "../parse/ast.ts";
import { parseExpr } from "../parse/parse.ts";
import { type Plan, planQuery } from "./plan.ts";
import { postOrder } from "./tree.ts";

const options: ParseOptions = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};
const times = { startMs: 1000, endMs: 61_000, stepMs: 15_000 };

function plan(text: string, at = times): Plan {
  return planQuery(parseExpr(text, options), at);
}

function invariants(root: Expr): string[] {
  return postOrder(root)
    .filter((node) => node.kind === "stepInvariant")
    .map((node) => (node.kind === "stepInvariant" ? node.expr.kind : ""));
}

test("planQuery() marks the largest parts that do not depend on the step", () => {
  const cases: [string, string[]][] = [
    ["foo", []],
    ["foo @ 10", ["vector"]],
    ["1 + 2", ["binary"]],
    ["foo + bar @ 10", ["vector"]],
    ["sum(foo @ 10) + sum(bar @ start())", ["binary"]],
    ["rate(foo[5m] @ 10)", ["call"]],
    ["timestamp(foo @ 10)", ["call"]],
    ["timestamp(abs(foo @ 10))", ["call"]],
    ["predict_linear(foo[5m] @ 10, 3600)", []],
    ["max_over_time((foo @ 10)[5m:1m])", ["vector"]],
    ["max_over_time((foo @ 10)[5m:1m] @ 5)", ["vector", "call"]],
    ["foo * start()", []],
  ];
  for (const [text, want] of cases) assert.deepEqual(invariants(plan(text).root), want, text);
});

test("planQuery() works out durations, start(), end(), range() and step()", () => {
  const { root } = plan("start() + end() * range() - step()");
  const literals = postOrder(root).flatMap((node) => (node.kind === "number" ? [node.value] : []));
  assert.deepEqual(literals, [1, 61, 60, 15]);
  const matrix = postOrder(plan("rate(foo[step() * 2] offset -range())").root).find(
    (node) => node.kind === "matrix",
  );
  assert.ok(matrix?.kind === "matrix");
  assert.equal(matrix.rangeMs, 30_000);
  assert.equal(matrix.selector.offsetMs, -60_000);
});

test("planQuery() refuses durations that come out wrong", () => {
  const instant = { startMs: 1000, endMs: 1000, stepMs: 0 };
  assert.throws(() => plan("foo[step()]", instant), /duration must be greater than 0/);
  assert.throws(() => plan("foo[5m / 0]"), /division by zero/);
});

test("planQuery() tells sources what surrounds a selector", () => {
  const hint = (text: string): unknown => [...plan(text).selectors.values()];
  const none = { by: false, grouping: [], histogramStats: false };
  assert.deepEqual(hint("sum by (a) (foo)"), [
    { func: "sum", by: true, grouping: ["a"], histogramStats: false },
  ]);
  assert.deepEqual(hint("sum by (a) (rate(foo[5m]))"), [{ ...none, func: "rate" }]);
  assert.deepEqual(hint("sum(foo + bar)"), [
    { ...none, func: "" },
    { ...none, func: "" },
  ]);
  assert.deepEqual(hint("histogram_count(rate(foo[5m]))"), [
    { ...none, func: "rate", histogramStats: true },
  ]);
  assert.deepEqual(hint("histogram_count(histogram_quantile(0.5, foo))"), [
    { ...none, func: "histogram_quantile" },
  ]);
});
