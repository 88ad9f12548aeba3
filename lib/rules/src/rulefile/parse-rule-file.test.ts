import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertingRuleSpec } from "../spec.ts";
import { DurationSyntax, parseDuration } from "./parse-duration.ts";
import { parseRuleFile } from "./parse-rule-file.ts";

const errorsOf = (text: string) => parseRuleFile(text, "f.yml").errors;

test("parseRuleFile() reads every field", () => {
  const { groups, errors, warnings } = parseRuleFile(
    `groups:
  - name: a
    interval: 30s
    query_offset: 1m
    limit: 7
    partial_response_strategy: WARN
    labels: { team: x, severity: low }
    rules:
      - record: job:up:sum
        expr: |
          sum(up)
            by (job)
      - alert: Down
        expr: up==0
        for: 1h30m
        keep_firing_for: 5m
        labels: { severity: page, gone: "" }
        annotations: { z: "{{ $value }}", a: "" }
  - name: b
    query_offset: 0s
    rules: []
`,
    "f.yml",
  );
  assert.deepEqual([errors, warnings], [[], []]);
  const [a, b] = groups;
  assert.deepEqual(
    { ...a, rules: a!.rules.map((rule) => ({ ...rule, labels: rule.labels.pairs })) },
    {
      name: "a",
      file: "f.yml",
      intervalMs: 30_000,
      queryOffsetMs: 60_000,
      limit: 7,
      partialResponseStrategy: "warn",
      rules: [
        {
          kind: "recording",
          name: "job:up:sum",
          query: "sum by (job) (up)",
          labels: ["severity", "low", "team", "x"],
        },
        {
          kind: "alerting",
          name: "Down",
          query: "up == 0",
          labels: ["gone", "", "severity", "page", "team", "x"],
          forMs: 5_400_000,
          keepFiringForMs: 300_000,
          annotations: [
            ["a", ""],
            ["z", "{{ $value }}"],
          ],
        },
      ],
    },
  );
  assert.deepEqual([b!.queryOffsetMs, b!.intervalMs, b!.partialResponseStrategy], [0, 0, "abort"]);
});

test("scalars are taken as they are written; aliases and merged maps are followed", () => {
  const { groups, errors } = parseRuleFile(
    `groups:
- name: 12
  rules:
  - &first
    alert: yes
    expr: 0x10
    labels: &labels { a: 1, b: true, c: 1.50, d: ~, e: 2020-01-01, f: "0x1" }
  - <<: *first
    alert: no
    labels:
      <<: *labels
      a: z
`,
    "f.yml",
  );
  assert.deepEqual(errors, []);
  const [one, two] = groups[0]!.rules as readonly AlertingRuleSpec[];
  assert.equal(groups[0]!.name, "12");
  assert.deepEqual([one!.name, one!.query, two!.name, two!.query], ["yes", "16", "no", "16"]);
  assert.deepEqual(one!.labels.pairs, "a 1 b true c 1.50 d  e 2020-01-01 f 0x1".split(" "));
  assert.deepEqual(two!.labels.pairs, "a z b true c 1.50 d  e 2020-01-01 f 0x1".split(" "));
});

test("quoted texts may go on without indentation, as Go takes them", () => {
  const { groups, errors } = parseRuleFile(
    `groups:
- name: a
  rules:
  - alert: A
    expr: 'up{
  job="x"
}'
    annotations:
      text: "one
two"
      next: three
`,
    "f.yml",
  );
  assert.deepEqual(errors, []);
  const [rule] = groups[0]!.rules as readonly AlertingRuleSpec[];
  assert.equal(rule!.query, 'up{job="x"}');
  assert.deepEqual(rule!.annotations, [
    ["next", "three"],
    ["text", "one two"],
  ]);
});

test("all problems of rules are named, in Prometheus' words", () => {
  assert.deepEqual(
    errorsOf(`groups:
- name: a
  labels: { __name__: x }
  rules:
  - record: x
    alert: y
    expr: up{
  - expr: up
  - record: "a{b}"
    expr: ""
    for: 5m
    keep_firing_for: 1m
    annotations: { a: b }
  - alert: T
    expr: sum(up
    labels: { "": "{{ bad" }
    annotations: { y: "{{ $foo }}" }
- name: a
- name: ""
`),
    [
      "invalid label name: __name__",
      `5:13: 6:12: group "a", rule 1, "y": only one of 'record' and 'alert' must be set`,
      `7:11: group "a", rule 1, "y": could not parse expression: 1:4: parse error: unexpected end of input inside braces`,
      `0:0: 0:0: group "a", rule 2, "": one of 'record' or 'alert' must be set`,
      `10:11: group "a", rule 3, "a{b}": field 'expr' must be set in rule`,
      `9:13: group "a", rule 3, "a{b}": invalid field 'annotations' in recording rule`,
      `9:13: group "a", rule 3, "a{b}": invalid field 'for' in recording rule`,
      `9:13: group "a", rule 3, "a{b}": invalid field 'keep_firing_for' in recording rule`,
      `9:13: group "a", rule 3, "a{b}": braces present in the recording rule name; should it be in expr?: a{b}`,
      `15:11: group "a", rule 4, "T": could not parse expression: 1:7: parse error: unclosed left parenthesis`,
      `group "a", rule 4, "T": invalid label name: `,
      `group "a", rule 4, "T": label "": template: __alert_T:1: function "bad" not defined`,
      `group "a", rule 4, "T": annotation "y": template: __alert_T:1: undefined variable "$foo"`,
      '0:0: groupname: "a" is repeated in the same file',
      "0:0: Groupname must not be empty",
    ].map((error) => `f.yml: ${error}`),
  );
});

test("wrong types and unknown fields are named with their lines", () => {
  const [strict, again] = errorsOf(`groups:
- name: a
  rules:
  - record: x
    expr: [a]
    unknown: 1
    labels: foo
  limit: many things
  rule: {}
`);
  assert.equal(
    strict,
    `f.yml: yaml: unmarshal errors:
  line 5: cannot unmarshal !!seq into string
  line 6: field unknown not found in type rulefmt.Rule
  line 7: cannot unmarshal !!str \`foo\` into map[string]string
  line 8: cannot unmarshal !!str \`many th...\` into int
  line 9: field rule not found in type rulefmt.RuleGroup`,
  );
  assert.equal(
    again,
    `f.yml: yaml: unmarshal errors:
  line 7: cannot unmarshal !!str \`foo\` into map[string]string
  line 8: cannot unmarshal !!str \`many th...\` into int`,
  );
  assert.deepEqual(
    errorsOf("groups: [{ name: a, name: b }]")[0],
    ['f.yml: yaml: unmarshal errors:\n  line 1: mapping key "name" already defined at line 1'][0],
  );
  const wrongStrategy = "groups: [{ name: a, partial_response_strategy: maybe }]";
  assert.match(
    errorsOf(wrongStrategy)[0]!,
    /failed to unmarshal "maybe" as 'partial_response_strat/,
  );
});

test("an empty file has no groups; only the first document of many counts", () => {
  assert.deepEqual(parseRuleFile("", "f.yml"), { groups: [], errors: [], warnings: [] });
  const two = parseRuleFile("groups: []\n---\ngroups: 5\n", "f.yml");
  assert.deepEqual(two.errors, []);
  assert.match(two.warnings[0]!, /only the first document/);
  assert.match(errorsOf("groups:\n- a: [")[0]!, /^f\.yml: yaml: line /);
});

test("parseDuration() takes units in their order, and says what is wrong", () => {
  assert.equal(parseDuration("1y2w3d4h5m6s7ms"), 33_019_506_007);
  assert.equal(parseDuration("0"), 0);
  const problem = (text: string): string => {
    try {
      return String(parseDuration(text));
    } catch (thrown) {
      assert.ok(thrown instanceof DurationSyntax);
      return thrown.message;
    }
  };
  assert.equal(problem(""), "empty duration string");
  assert.equal(problem("1m1h"), 'not a valid duration string: "1m1h"');
  assert.equal(problem("5"), 'not a valid duration string: "5"');
  assert.equal(problem("1.5h"), 'unknown unit "." in duration "1.5h"');
  assert.equal(problem("5x"), 'unknown unit "x" in duration "5x"');
  assert.equal(problem("300y"), "duration out of range");
});
