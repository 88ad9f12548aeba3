import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertingRule } from "../rule/alerting-rule.ts";
import type { RuleGroupSpec } from "../spec.ts";
import { alerting, group, RecordedProcess, recording, sample } from "../testing/mod.ts";
import { carryState, diffGroups } from "./carry-state.ts";
import { RuleGroup } from "./rule-group.ts";

const minute = 60_000;

async function running(
  process: RecordedProcess,
  specs: readonly RuleGroupSpec[],
): Promise<RuleGroup[]> {
  const groups = specs.map((spec) => new RuleGroup(spec, process.deps(), process.options));
  for (const one of groups) await one.evaluate(0);
  return groups;
}

function reload(
  process: RecordedProcess,
  old: readonly RuleGroup[],
  specs: readonly RuleGroupSpec[],
) {
  const { kept, added, removed } = diffGroups(old, specs);
  const fresh = added.map((spec) => new RuleGroup(spec, process.deps(), process.options));
  const orphans = carryState(removed, fresh);
  return { kept, fresh, orphans };
}

const activeSince = (ruleGroup: RuleGroup, index = 0): number | undefined =>
  (ruleGroup.rules[index] as AlertingRule).activeAlerts()[0]?.activeAtMs;

test("groups that say what they said are kept", async () => {
  const process = new RecordedProcess();
  const specs = [group([recording("a", "x")]), group([recording("b", "y")], { name: "h" })];
  const old = await running(process, specs);
  const copy = [group([recording("a", "x")]), group([recording("b", "z")], { name: "h" })];
  const { kept, added, removed } = diffGroups(old, copy);
  assert.deepEqual(kept, [old[0]]);
  assert.deepEqual(added, [copy[1]]);
  assert.deepEqual(removed, [old[1]]);
});

test("alerts follow their rule to a renamed group, another file and another place", async () => {
  const process = new RecordedProcess();
  process.answer = () => [sample({ job: "x" })];
  const rule = alerting("A", "x", { forMs: 5 * minute });
  const old = await running(process, [group([recording("r", "y"), rule])]);
  for (const changed of [
    group([recording("r", "y"), rule], { name: "renamed" }),
    group([rule], { file: "other.yml" }),
    group([rule, recording("r", "y")]),
  ]) {
    const { fresh } = reload(process, old, [changed]);
    const index = changed.rules.indexOf(rule);
    assert.equal(activeSince(fresh[0]!, index), 0, JSON.stringify(changed));
    await fresh[0]!.evaluate(5 * minute);
    assert.equal((fresh[0]!.rules[index] as AlertingRule).state, "firing");
  }
});

test("an edited expression keeps the alerts within its group only", async () => {
  const process = new RecordedProcess();
  process.answer = () => [sample({ job: "x" })];
  const old = await running(process, [group([alerting("A", "x")])]);
  const edited = alerting("A", "x > 1");
  assert.equal(activeSince(reload(process, old, [group([edited])]).fresh[0]!), 0);
  const moved = reload(process, old, [group([edited], { name: "h" })]).fresh[0]!;
  assert.equal(activeSince(moved), undefined);
});

test("of rules with the same name and labels each finds its own expression", async () => {
  const process = new RecordedProcess();
  process.answer = (query) => (query === "y" ? [sample({ job: "y" })] : []);
  const rules = [alerting("A", "x"), alerting("A", "y")];
  const old = await running(process, [group(rules)]);
  const { fresh } = reload(process, old, [group([...rules].reverse())]);
  assert.deepEqual([activeSince(fresh[0]!, 0), activeSince(fresh[0]!, 1)], [0, undefined]);
});

test("series of rules that are gone are handed over to be marked stale", async () => {
  const process = new RecordedProcess();
  process.answer = () => [sample({ job: "x" })];
  const old = await running(process, [group([recording("a", "x"), recording("b", "x")])]);
  const { orphans } = reload(process, old, [group([recording("b", "x")])]);
  assert.deepEqual(
    [...orphans.values()].map((list) => list.map(String)),
    [['{__name__="a", job="x"}']],
  );
});
