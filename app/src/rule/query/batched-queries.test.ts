import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import {
  type RuleQueryOptions,
  type RuleSample,
  type RuleSpec,
  RulesError,
} from "@deucalion/rules";
import { BatchedQueries } from "./batched-queries.ts";

const options: RuleQueryOptions = {
  strategy: "abort",
  signal: new AbortController().signal,
  group: { name: "g", file: "f" },
};

const spec = (query: string): RuleSpec => ({
  kind: "recording",
  name: "r",
  query,
  labels: Labels.empty,
});

/** A querier whose answers are written down; it takes `ms` for each query. */
class Querier {
  readonly asked: string[] = [];
  answers = new Map<string, RuleSample[]>();
  ms = 1;
  warnings: string[] = [];
  fails = false;
  nowMs = 0;

  query(expr: string) {
    this.asked.push(expr);
    this.nowMs += this.ms;
    const together = [...expr.matchAll(/label_replace\((\w+), "__rule__", "(\d+)", "", ""\)/g)];
    if (together.length > 0 && this.fails)
      return Promise.reject(new RulesError("RULES_QUERY", "no"));
    const samples = together.flatMap(([, inner, index]) =>
      (this.answers.get(inner!) ?? []).map((sample) => ({
        ...sample,
        labels: sample.labels.with("__rule__", index!),
      })),
    );
    return Promise.resolve({
      samples: together.length > 0 ? samples : (this.answers.get(expr) ?? []),
      warnings: this.warnings,
      isVector: expr !== "scalar",
    });
  }
}

function setUp() {
  const querier = new Querier();
  const names = ["a", "b", "c", "d"];
  for (const [i, name] of names.entries()) {
    const sample = { labels: Labels.from({ __name__: name, zone: String(i) }), value: i };
    querier.answers.set(name, i === 3 ? [] : [sample, { labels: Labels.empty, value: -i }]);
  }
  const batched = new BatchedQueries({
    query: (expr) => querier.query(expr),
    now: () => querier.nowMs,
    log: silentLog,
  });
  const round = async (timeMs: number, exprs: readonly string[] = names) => {
    querier.asked.length = 0;
    await batched.prepare(exprs.map(spec), timeMs, options);
    const results: (readonly RuleSample[])[] = [];
    for (const expr of exprs) results.push((await batched.query(expr, timeMs, options)).samples);
    return results;
  };
  return { querier, batched, round, names };
}

test("quick rules are asked for together from the second time on, with the same results", async () => {
  const { querier, round, names } = setUp();
  const alone = await round(1);
  assert.deepEqual(querier.asked, names);
  const together = await round(2);
  assert.deepEqual(querier.asked.length, 1);
  assert.deepEqual(
    together.map((list) => list.map(({ labels, value }) => [labels.key, value])),
    alone.map((list) => list.map(({ labels, value }) => [labels.key, value])),
  );
});

test("slow rules, scalars and rules with many series are asked for alone", async () => {
  const { querier, round, names } = setUp();
  querier.answers.set("scalar", [{ labels: Labels.empty, value: 1 }]);
  const many = Array.from({ length: 101 }, (_, i) => ({
    labels: Labels.from({ i: String(i) }),
    value: i,
  }));
  querier.answers.set("many", many);
  const all = [...names, "scalar", "many", "slow"];
  await round(1, all.slice(0, 6));
  querier.ms = 501;
  await round(2, ["slow"]);
  querier.ms = 1;
  await round(3, all);
  assert.deepEqual(querier.asked.slice(1), ["scalar", "many", "slow"]);
});

test("a batch that fails, or is partial, or does not say whose a series is counts for nothing", async () => {
  for (const spoil of [
    (querier: Querier) => {
      querier.fails = true;
    },
    (querier: Querier) => {
      querier.warnings = ["a store is missing"];
    },
    (querier: Querier) => {
      querier.query = (expr) => {
        querier.asked.push(expr);
        const samples = [{ labels: Labels.from({ x: "y" }), value: 1 }];
        return Promise.resolve({ samples, warnings: [], isVector: true });
      };
    },
  ]) {
    const { querier, round, names } = setUp();
    await round(1);
    spoil(querier);
    await round(2);
    assert.equal(querier.asked.length, 1 + names.length);
    await round(3);
    assert.deepEqual(querier.asked, names, "the group goes without for a while");
  }
});
