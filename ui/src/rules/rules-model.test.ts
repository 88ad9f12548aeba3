// Tests of the rows of rules and alerts.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuleGroup } from "../api/types.ts";
import { activeSince, countStates, ruleRows, worstFirst } from "./rules-model.ts";

const groups: RuleGroup[] = [
  {
    name: "g1",
    file: "f",
    rules: [
      {
        type: "alerting",
        name: "Down",
        query: "up == 0",
        state: "firing",
        labels: { sev: "page" },
      },
      { type: "recording", name: "job:up:sum", query: "sum by (job) (up)", health: "ok" },
    ],
  },
  { name: "g2", file: "f", rules: null },
];

test("ruleRows() filters by words, state and type, with the head of each group that has rows", () => {
  const keys = (filter: string, states: string[], type: "alerting" | "any"): string[] =>
    ruleRows(groups, filter, states, type).map((row) =>
      row.kind === "group" ? row.group.name : row.rule.name,
    );
  assert.deepEqual(keys("", [], "any"), ["g1", "Down", "job:up:sum"]);
  assert.deepEqual(keys("", [], "alerting"), ["g1", "Down"]);
  assert.deepEqual(keys("PAGE up", [], "any"), ["g1", "Down"]);
  assert.deepEqual(keys("", ["pending"], "any"), []);
});

test("countStates() and activeSince()", () => {
  assert.deepEqual(
    [...countStates(groups, "any")],
    [
      ["firing", 1],
      ["ok", 1],
    ],
  );
  assert.equal(
    activeSince([
      { labels: {}, state: "firing", activeAt: "2026-08-03T10:42:15Z" },
      { labels: {}, state: "firing", activeAt: "2026-08-03T10:42:10Z" },
    ]),
    1_785_753_730_000,
  );
  assert.equal(activeSince(null), null);
});

test("ruleRows() gives equal groups of two rulers different keys", () => {
  const keys = ruleRows([...groups, ...groups], "", [], "any").map((row) => row.key);
  assert.equal(new Set(keys).size, 6);
});

test("worstFirst() puts firing groups before pending before others, otherwise in order", () => {
  const group = (name: string, state: string): RuleGroup => ({
    name,
    file: "f",
    rules: [{ type: "alerting", name, query: "x", state }],
  });
  const list = [
    group("a", "inactive"),
    group("b", "pending"),
    group("c", "firing"),
    group("d", "inactive"),
  ];
  assert.deepEqual(
    worstFirst(list).map((g) => g.name),
    ["c", "b", "a", "d"],
  );
});
