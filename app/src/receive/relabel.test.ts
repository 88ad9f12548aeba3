// Relabelling rules: what Prometheus refuses is refused, and what is left is read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@deucalion/model";
import { parseRelabel, relabel } from "./relabel.ts";

test("parseRelabel() refuses fields that an action does not take", () => {
  const refused = [
    "{action: dropequal, source_labels: [a], target_label: b, regex: x}",
    "{action: keepequal, source_labels: [a], target_label: b, separator: ','}",
    "{action: keepequal, source_labels: [a], target_label: b, replacement: x}",
    "{action: lowercase, source_labels: [a], target_label: b, replacement: x}",
    "{action: labeldrop, regex: a, source_labels: [x]}",
    "{action: labelkeep, regex: a, target_label: x}",
    "{action: hashmod, source_labels: [a], target_label: b}",
    "{action: replace, source_labels: [a]}",
    "{action: other}",
    "{action: keep, regex: '('}",
  ];
  for (const rule of refused) {
    assert.throws(() => parseRelabel(`[${rule}]`), { code: "APP_CONFIG" }, rule);
  }
});

test("relabel() runs rules one after the other", () => {
  const rules = parseRelabel(
    `- {action: dropequal, source_labels: [a], target_label: b, regex: "(.*)", separator: ";"}
- {action: labeldrop, regex: x.*}
- {source_labels: [a], target_label: c}
- {action: UPPERCASE, source_labels: [a], target_label: a}
- {action: drop, source_labels: [a, b], regex: NO;no}`,
  );
  const run = (labels: Record<string, string>) => relabel(Labels.from(labels), rules)?.toString();
  assert.equal(run({ a: "k", b: "l", x1: "m" }), '{a="K", b="l", c="k"}');
  assert.equal(run({ a: "k", b: "k" }), undefined);
  assert.equal(run({ a: "no", b: "no " }), '{a="NO", b="no ", c="no"}');
  assert.equal(run({ a: "nO", b: "no" }), undefined);
});
