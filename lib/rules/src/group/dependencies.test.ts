import assert from "node:assert/strict";
import { test } from "node:test";
import { alerting, recording } from "../testing/mod.ts";
import { evaluationBatches } from "./dependencies.ts";

test("rules that read nothing of the group come first, those nobody reads last", () => {
  const rules = [
    recording("a", "raw"),
    recording("b", "sum(a)"),
    recording("c", "rate(b[5m:1m])"),
    recording("d", "other + raw"),
  ];
  assert.deepEqual(evaluationBatches(rules), [[0, 3], [1], [2]]);
});

test("a rule may read what a later one writes: it is of the round before", () => {
  assert.deepEqual(evaluationBatches([recording("a", "b"), recording("b", "raw")]), [[0, 1]]);
});

test("ALERTS are read of the alerts that they name, or of all", () => {
  const named = 'ALERTS{alertname="A"}';
  const rules = [alerting("A", "x"), alerting("B", "y")];
  assert.deepEqual(evaluationBatches([...rules, recording("c", named)]), [[0, 1], [2]]);
  const other = [...rules, recording("c", 'ALERTS_FOR_STATE{alertname="Z"}')];
  assert.deepEqual(evaluationBatches(other), [[0, 1, 2]]);
  const both = [...rules, recording("c", "ALERTS"), recording("d", "c")];
  assert.deepEqual(evaluationBatches(both), [[0, 1], [2], [3]]);
});

test("names may be matched by expressions; a selector without a name makes all unknowable", () => {
  const byRegex = [recording("job:a", "x"), recording("b", '{__name__=~"job:.*"}')];
  assert.deepEqual(evaluationBatches(byRegex), [[0], [1]]);
  assert.equal(evaluationBatches([recording("a", "x"), recording("b", '{job="y"}')]), null);
});

test("one rule is alone", () => {
  assert.deepEqual(evaluationBatches([recording("a", '{job="y"}')]), [[0]]);
});
