// What Prometheus checks of each rule, in its order and words.
import { messageOf } from "@deucalion/base";
import { type ParseOptions, parseExpr, quoteGo } from "@deucalion/promql";
import { templateProblem } from "../template/alert-template.ts";
import type { RawRule } from "./raw-groups.ts";
import type { Place } from "./yaml-decoder.ts";

/** A problem of a rule and the places that it is about. */
export interface RuleProblem {
  readonly message: string;
  readonly at?: Place;
  readonly also?: Place;
}

function isWhole(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Any text but none is a name. */
export function isName(text: string): boolean {
  return text !== "" && isWhole(text);
}

/** Problems of labels, in the order of the file. */
export function labelProblems(labels: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const [name, value] of labels) {
    if (!isName(name) || name === "__name__") problems.push(`invalid label name: ${name}`);
    if (!isWhole(value)) problems.push(`invalid label value: ${value}`);
  }
  return problems;
}

function recordProblems(rule: RawRule): RuleProblem[] {
  const at = rule.recordAt;
  const problems: RuleProblem[] = [];
  const invalid = (field: string) =>
    problems.push({ message: `invalid field '${field}' in recording rule`, at });
  if (rule.annotations.size > 0) invalid("annotations");
  if (rule.forMs !== 0) invalid("for");
  if (rule.keepFiringForMs !== 0) invalid("keep_firing_for");
  if (!isName(rule.record))
    problems.push({ message: `invalid recording rule name: ${rule.record}`, at });
  if (/[{}]/.test(rule.record)) {
    const message = `braces present in the recording rule name; should it be in expr?: ${rule.record}`;
    problems.push({ message, at });
  }
  return problems;
}

function templateProblems(rule: RawRule): RuleProblem[] {
  const problems: RuleProblem[] = [];
  for (const [kind, texts] of [
    ["label", rule.labels],
    ["annotation", rule.annotations],
  ] as const) {
    for (const [name, text] of texts) {
      const problem = templateProblem(rule.alert, text);
      if (problem !== null) problems.push({ message: `${kind} ${quoteGo(name)}: ${problem}` });
    }
  }
  return problems;
}

/** All problems of a rule. */
export function ruleProblems(rule: RawRule, parse: ParseOptions): RuleProblem[] {
  const problems: RuleProblem[] = [];
  const both = { at: rule.recordAt, also: rule.alertAt };
  if (rule.record !== "" && rule.alert !== "")
    problems.push({ message: "only one of 'record' and 'alert' must be set", ...both });
  if (rule.record === "" && rule.alert === "")
    problems.push({ message: "one of 'record' or 'alert' must be set", ...both });
  if (rule.expr === "")
    problems.push({ message: "field 'expr' must be set in rule", at: rule.exprAt });
  else {
    try {
      parseExpr(rule.expr, parse);
    } catch (thrown) {
      const message = `could not parse expression: ${messageOf(thrown)}`;
      problems.push({ message, at: rule.exprAt });
    }
  }
  if (rule.record !== "") problems.push(...recordProblems(rule));
  for (const message of labelProblems(rule.labels)) problems.push({ message });
  for (const name of rule.annotations.keys())
    if (!isName(name)) problems.push({ message: `invalid annotation name: ${name}` });
  if (rule.alert !== "") problems.push(...templateProblems(rule));
  return problems;
}
