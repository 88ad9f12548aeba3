import assert from "node:assert/strict";
import { test } from "node:test";
import { RulesError } from "../errors.ts";
import type { AlertingRule } from "../rule/alerting-rule.ts";
import { alerting, group, RecordedProcess, recording, sample } from "../testing/mod.ts";
import { RuleGroup } from "./rule-group.ts";

const minute = 60_000;

function states(ruleGroup: RuleGroup, index = 0): string[] {
  const rule = ruleGroup.rules[index] as AlertingRule;
  return [...rule.memory.alerts.values()].map(({ state }) => state);
}

test("recording rules store under their name and mark series stale that vanish", async () => {
  const process = new RecordedProcess();
  const spec = group([recording("job:up", "up", { team: "a", job: "" })]);
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = () => [sample({ __name__: "up", job: "x", host: "1" }, 2)];
  await rules.evaluate(minute);
  assert.deepEqual(process.takeStored(), ['{__name__="job:up", host="1", team="a"} 2@60000']);
  process.answer = () => [];
  await rules.evaluate(2 * minute);
  assert.deepEqual(process.takeStored(), ['{__name__="job:up", host="1", team="a"} stale@120000']);
  await rules.evaluate(3 * minute);
  assert.deepEqual(process.takeStored(), []);
});

test("the query offset shifts the query and the samples, not the alerts", async () => {
  const process = new RecordedProcess();
  const spec = group([recording("a", "up"), alerting("B", "down")], { queryOffsetMs: 30_000 });
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = () => [sample({ job: "x" })];
  await rules.evaluate(10 * minute);
  assert.deepEqual(process.queries, ["up@570000", "down@570000"]);
  assert.deepEqual(process.takeStored(), [
    '{__name__="a", job="x"} 1@570000',
    '{__name__="ALERTS", alertname="B", alertstate="firing", job="x"} 1@570000',
    '{__name__="ALERTS_FOR_STATE", alertname="B", job="x"} 600@570000',
  ]);
});

test("equal label sets and limits fail a rule and leave the others alone", async () => {
  const process = new RecordedProcess();
  const spec = group([recording("a", "two"), recording("b", "one"), alerting("C", "three")], {
    limit: 2,
  });
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = (query) => {
    if (query === "one") return [sample({ job: "x" })];
    if (query === "two") return [sample({ __name__: "p" }), sample({ __name__: "q" })];
    return ["1", "2", "3"].map((host) => sample({ host }));
  };
  await rules.evaluate(minute);
  assert.deepEqual(
    rules.rules.map(({ memory }) => [memory.health, memory.lastError]),
    [
      ["err", "vector contains metrics with the same labelset after applying rule labels"],
      ["ok", null],
      ["err", "exceeded limit of 2 with 3 alerts"],
    ],
  );
  assert.deepEqual(process.takeStored(), ['{__name__="b", job="x"} 1@60000']);
  assert.equal(process.counts.failed, 2);
});

test("an alert is pending, fires after `for`, is resolved and kept for fifteen minutes", async () => {
  const process = new RecordedProcess();
  const spec = group([alerting("Down", "up == 0", { forMs: 2 * minute })]);
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = () => [sample({ __name__: "up", job: "x" }, 0)];
  await rules.evaluate(0);
  await rules.evaluate(minute);
  assert.deepEqual(states(rules), ["pending"]);
  assert.equal(process.sent.length, 0);
  await rules.evaluate(2 * minute);
  assert.deepEqual(states(rules), ["firing"]);
  assert.deepEqual(process.sent.length, 1);
  const [alert] = process.sent;
  assert.deepEqual(
    { ...alert, labels: alert!.labels.toJSON() },
    {
      state: "firing",
      labels: { alertname: "Down", job: "x" },
      annotations: [["summary", "x is 0"]],
      value: 0,
      activeAtMs: 0,
      firedAtMs: 2 * minute,
      resolvedAtMs: null,
      lastSentAtMs: 2 * minute,
      validUntilMs: 6 * minute,
      keepFiringSinceMs: null,
    },
  );
  await rules.evaluate(3 * minute);
  assert.equal(process.sent.length, 1, "not sent again before the resend delay is over");
  process.answer = () => [];
  await rules.evaluate(4 * minute);
  assert.equal(process.sent.length, 2);
  assert.equal(process.sent[1]!.resolvedAtMs, 4 * minute);
  assert.deepEqual(states(rules), ["inactive"]);
  assert.deepEqual((rules.rules[0] as AlertingRule).activeAlerts(), []);
  await rules.evaluate(19 * minute);
  assert.deepEqual(states(rules), ["inactive"]);
  await rules.evaluate(20 * minute);
  assert.deepEqual(states(rules), []);
});

test("keep_firing_for holds an alert whose condition is over", async () => {
  const process = new RecordedProcess();
  const spec = group([alerting("A", "x", { keepFiringForMs: 2 * minute })]);
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = () => [sample({ job: "x" })];
  await rules.evaluate(0);
  process.answer = () => [];
  await rules.evaluate(minute);
  await rules.evaluate(2 * minute);
  assert.deepEqual(states(rules), ["firing"]);
  await rules.evaluate(3 * minute);
  assert.deepEqual(states(rules), ["inactive"]);
});

const before = (lastTimeMs: number, activeAtMs: number) => [
  {
    labels: sample({ __name__: "ALERTS_FOR_STATE", alertname: "A", job: "x" }).labels,
    lastTimeMs,
    lastValue: activeAtMs / 1000,
    stale: false,
  },
];

test("an alert that fired before a restart fires at the first evaluation, however short its `for`", async () => {
  for (const forMs of [0, 5 * minute, 20 * minute]) {
    const process = new RecordedProcess();
    process.forState = before(100 * minute, 50 * minute);
    const rules = new RuleGroup(
      group([alerting("A", "x", { forMs })]),
      process.deps(),
      process.options,
    );
    process.answer = () => [sample({ job: "x" })];
    await rules.evaluate(110 * minute);
    assert.deepEqual(states(rules), ["firing"], `for ${forMs}`);
    assert.equal(process.sent[0]!.activeAtMs, 50 * minute);
  }
});

test("an alert that was kept firing goes on after a restart, for its time since it was last seen", async () => {
  const process = new RecordedProcess();
  process.forState = before(100 * minute, 50 * minute);
  const spec = group([alerting("A", "x", { forMs: minute, keepFiringForMs: 15 * minute })]);
  const rules = new RuleGroup(spec, process.deps(), process.options);
  await rules.evaluate(110 * minute);
  assert.deepEqual(states(rules), ["firing"]);
  const [alert] = process.sent;
  assert.deepEqual(alert!.labels.toJSON(), { alertname: "A", job: "x" });
  assert.equal(alert!.resolvedAtMs, null);
  await rules.evaluate(114 * minute);
  assert.deepEqual(states(rules), ["firing"]);
  await rules.evaluate(115 * minute);
  assert.deepEqual(states(rules), ["inactive"]);
  assert.equal(process.sent.at(-1)!.resolvedAtMs, 115 * minute);
});

test("a pending alert goes on where it was; the time down does not count", async () => {
  const process = new RecordedProcess();
  process.forState = before(100 * minute, 85 * minute);
  const spec = group([alerting("A", "x", { forMs: 40 * minute })]);
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = () => [sample({ job: "x" })];
  await rules.evaluate(110 * minute);
  const [alert] = (rules.rules[0] as AlertingRule).activeAlerts();
  assert.deepEqual([alert!.state, alert!.activeAtMs], ["pending", 95 * minute]);
});

test("with less than the grace period missing an alert fires a grace period later", async () => {
  const process = new RecordedProcess();
  process.forState = before(100 * minute, 85 * minute);
  const spec = group([alerting("A", "x", { forMs: 20 * minute })]);
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = () => [sample({ job: "x" })];
  await rules.evaluate(110 * minute);
  assert.deepEqual(states(rules), ["pending"]);
  await rules.evaluate(120 * minute);
  assert.deepEqual(states(rules), ["firing"]);
});

test("state that cannot be read is asked for again; alerts are not stored before", async () => {
  const process = new RecordedProcess();
  let broken = true;
  const deps = process.deps({
    readForState: async () => {
      if (broken) throw new Error("away");
      return before(100 * minute, 50 * minute);
    },
  });
  process.answer = () => [];
  const rules = new RuleGroup(
    group([alerting("A", "x", { forMs: minute })]),
    deps,
    process.options,
  );
  await rules.evaluate(110 * minute);
  process.answer = () => [sample({ job: "x" })];
  broken = false;
  await rules.evaluate(111 * minute);
  assert.deepEqual(states(rules), ["firing"]);
  assert.equal(process.takeStored().length, 2);
});

test("recording rules make up for an outage of the query path in order", async () => {
  const process = new RecordedProcess();
  const spec = group([recording("a", "x"), alerting("B", "y")]);
  const rules = new RuleGroup(spec, process.deps(), process.options);
  process.answer = (query, timeMs) =>
    query === "x" && timeMs !== 3 * minute ? [sample({}, timeMs)] : [];
  await rules.evaluate(0);
  process.takeStored();
  process.down = true;
  for (const at of [1, 2, 3]) await rules.evaluate(at * minute);
  assert.deepEqual(process.takeStored(), []);
  assert.equal(rules.rules[0]!.memory.health, "err");
  process.down = false;
  await rules.evaluate(4 * minute);
  assert.deepEqual(process.takeStored(), [
    '{__name__="a"} 60000@60000',
    '{__name__="a"} 120000@120000',
    '{__name__="a"} stale@180000',
    '{__name__="a"} 240000@240000',
  ]);
  assert.equal(process.counts.backfilled, 3);
  assert.equal(rules.rules[0]!.memory.health, "ok");
});

test("a range query makes up for a long outage at once, and what is too old is given up", async () => {
  const process = new RecordedProcess({ backfillMs: 60 * minute });
  const ranges: string[] = [];
  const deps = process.deps({
    queryRange: async (expr, startMs, endMs, stepMs) => {
      if (process.down) throw new RulesError("RULES_UNAVAILABLE", "nobody there");
      ranges.push(`${expr} ${startMs / minute}-${endMs / minute}/${stepMs / minute}`);
      const times = Array.from(
        { length: (endMs - startMs) / stepMs + 1 },
        (_, i) => startMs + i * stepMs,
      );
      return [{ labels: sample({ job: "j" }).labels, times, values: times, histograms: null }];
    },
  });
  const rules = new RuleGroup(group([recording("a", "x")]), deps, process.options);
  process.down = true;
  for (let at = 1; at <= 100; at++) await rules.evaluate(at * minute);
  process.down = false;
  process.answer = (_, timeMs) => [sample({ job: "j" }, timeMs)];
  process.takeStored();
  await rules.evaluate(101 * minute);
  assert.deepEqual(ranges, ["x 41-100/1"]);
  const stored = process.takeStored();
  assert.equal(stored.length, 61);
  assert.equal(stored[0], `{__name__="a", job="j"} ${41 * minute}@${41 * minute}`);
  assert.equal(stored[60], `{__name__="a", job="j"} ${101 * minute}@${101 * minute}`);
  assert.equal(process.counts.dropped, 40);
});

test("rejected samples make a rule's health bad and are not marked stale later", async () => {
  const process = new RecordedProcess();
  const deps = process.deps({
    append: async (samples) => {
      process.stored.push(...samples);
      return samples[0]!.stale === true
        ? []
        : [{ index: 0, reason: "out-of-order", message: "out of order sample" }];
    },
  });
  const rules = new RuleGroup(group([recording("a", "x")]), deps, process.options);
  process.answer = () => [sample({ job: "1" }), sample({ job: "2" })];
  await rules.evaluate(0);
  assert.equal(rules.rules[0]!.memory.lastError, "out of order sample");
  process.takeStored();
  process.answer = () => [];
  await rules.evaluate(minute);
  assert.deepEqual(process.takeStored(), ['{__name__="a", job="2"} stale@60000']);
});

test("what rules have written is settled before another of the group reads it", async () => {
  for (const concurrentEvaluations of [1, 4]) {
    const process = new RecordedProcess({ concurrentEvaluations });
    const order: string[] = [];
    const deps = process.deps({
      query: async (expr) => {
        order.push(expr);
        return { samples: [], warnings: [] };
      },
      settle: async () => void order.push("settled"),
    });
    const spec = group([recording("a", "x"), recording("b", "y"), recording("c", "a + b")]);
    await new RuleGroup(spec, deps, process.options).evaluate(0);
    assert.deepEqual(order, ["x", "y", "settled", "a + b"]);
    order.length = 0;
    const apart = group([recording("a", "x"), recording("b", "y")]);
    await new RuleGroup(apart, deps, process.options).evaluate(0);
    assert.deepEqual(order, ["x", "y"]);
  }
});

test("independent rules are evaluated side by side, dependent ones after what they read", async () => {
  const process = new RecordedProcess({ concurrentEvaluations: 4 });
  let under = 0;
  let most = 0;
  const order: string[] = [];
  const deps = process.deps({
    query: async (expr) => {
      most = Math.max(most, ++under);
      order.push(expr);
      await new Promise((resolve) => setTimeout(resolve, 5));
      under--;
      return { samples: [], warnings: [] };
    },
  });
  const spec = group([recording("a", "x"), recording("b", "a"), recording("c", "y")]);
  await new RuleGroup(spec, deps, process.options).evaluate(0);
  assert.deepEqual(order, ["x", "y", "a"]);
  assert.equal(most, 2);
});
