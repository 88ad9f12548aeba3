// Every node of a query tells what it took and gave.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, SampleColumns } from "@deucalion/model";
import { MemorySource } from "@deucalion/model/testing";
import { Engine } from "../engine.ts";
import type { NodeStats } from "./node-analysis.ts";

function source(): MemorySource {
  return new MemorySource(
    ["a", "b", "c"].map((instance) => {
      const samples = new SampleColumns();
      for (let k = 0; k <= 40; k++) samples.pushFloat(k * 15_000, k);
      return { labels: Labels.from({ __name__: "m", instance }), samples };
    }),
  );
}

/** The tree as lists: text, series, samples, those below. */
function shown({ text, series, samples, children }: NodeStats): unknown[] {
  return [text, series, samples, ...children.map(shown)];
}

function times({ ms, children }: NodeStats): number[] {
  return [ms, ...children.flatMap(times)];
}

test("analyze tells series and samples of each node", async () => {
  const engine = new Engine();
  const query = "sum(rate(m[1m])) / on () group_left () (count(m) + (2))";
  const result = await engine.range(query, source(), 60_000, 600_000, 60_000, { analyze: true });
  assert.deepEqual(shown(result.analysis!), [
    "sum(rate(m[1m])) / on () group_left () count(m) + 2",
    1,
    10,
    ["sum(rate(m[1m]))", 1, 10, ["rate(m[1m])", 3, 30, ["m[1m]", 3, 123]]],
    ["count(m) + 2", 1, 10, ["count(m)", 1, 10, ["m", 3, 123]], ["2", 1, 10]],
  ]);
  for (const ms of times(result.analysis!)) assert.ok(ms >= 0);
  assert.ok(result.analysis!.ms > 0);
});

test("analyze counts what a subquery and a fixed time evaluate once", async () => {
  const engine = new Engine();
  const query = "max_over_time(m[2m:1m]) + on (instance) m @ 300";
  const result = await engine.range(query, source(), 120_000, 300_000, 60_000, { analyze: true });
  const [, series, samples, left, right] = shown(result.analysis!);
  assert.deepEqual([series, samples], [3, 12]);
  const inner = ["m[2m:1m]", 0, 0, ["m", 3, 123]];
  assert.deepEqual(left, ["max_over_time(m[2m:1m])", 3, 12, inner]);
  assert.deepEqual(right, ["m @ 300.000", 3, 123]);
});

test("without analyze there is none", async () => {
  const result = await new Engine().instant("m", source(), 60_000);
  assert.equal(result.analysis, undefined);
});
