// Rule groups of replicated rulers and Prometheus servers as one list: filtered, joined, without replicas.
import { compareLabels, compareStrings, Labels, type Matcher } from "@deucalion/model";
import type { AlertingRule, Rule, RuleGroup } from "../messages/rules-messages.ts";
import { compareTimestamps, type Timestamp } from "../messages/well-known.ts";

export interface RuleFilter {
  /** All sets must match the rule's labels; labels whose values are templates count as absent. */
  readonly matchers: readonly (readonly Matcher[])[];
  readonly ruleNames: readonly string[];
  readonly ruleGroups: readonly string[];
  readonly files: readonly string[];
}

type AnyRule = { name: string; query: string; labels: Labels; lastEvaluation: Timestamp };

function bodyOf(rule: Rule): AnyRule {
  return (
    rule.alert ??
    rule.recording ?? {
      name: "",
      query: "",
      labels: Labels.empty,
      lastEvaluation: { seconds: 0, nanos: 0 },
    }
  );
}

function matches(labels: Labels, sets: readonly (readonly Matcher[])[]): boolean {
  const value = (name: string): string => {
    const text = labels.get(name);
    return text.includes("{{") ? "" : text;
  };
  return sets.every((set) => set.every((matcher) => matcher.matches(value(matcher.name))));
}

/** Groups that have something left after the filter. */
export function filterRuleGroups(groups: readonly RuleGroup[], filter: RuleFilter): RuleGroup[] {
  const names = new Set(filter.ruleNames);
  const wantedGroups = new Set(filter.ruleGroups);
  const files = new Set(filter.files);
  const all =
    filter.matchers.length === 0 && names.size === 0 && wantedGroups.size === 0 && files.size === 0;
  if (all) return [...groups];
  return groups
    .filter((group) => wantedGroups.size === 0 || wantedGroups.has(group.name))
    .filter((group) => files.size === 0 || files.has(group.file))
    .map((group) => ({
      ...group,
      rules: group.rules.filter((rule) => {
        const { name, labels } = bodyOf(rule);
        return (names.size === 0 || names.has(name)) && matches(labels, filter.matchers);
      }),
    }))
    .filter((group) => group.rules.length > 0);
}

/** Alerts first, then by name, labels, query and duration; 0 for replicas of one rule. */
function compareRules(a: Rule, b: Rule): number {
  const kind = (a.alert === undefined ? 1 : 0) - (b.alert === undefined ? 1 : 0);
  if (kind !== 0) return kind;
  const x = bodyOf(a);
  const y = bodyOf(b);
  return (
    compareStrings(x.name, y.name) ||
    compareLabels(x.labels, y.labels) ||
    compareStrings(x.query, y.query) ||
    (a.alert?.durationSeconds ?? 0) - (b.alert?.durationSeconds ?? 0)
  );
}

/** True if `b` says more than its replica `a`: it is in a graver state, or was evaluated later. */
function isBetter(a: Rule, b: Rule): boolean {
  const state = (b.alert?.state ?? 0) - (a.alert?.state ?? 0);
  if (state !== 0) return state > 0;
  return compareTimestamps(bodyOf(b).lastEvaluation, bodyOf(a).lastEvaluation) > 0;
}

function withoutReplicaLabels(rule: Rule, replicaLabels: ReadonlySet<string>): Rule {
  if (rule.alert !== undefined) {
    const alert: AlertingRule = { ...rule.alert, labels: rule.alert.labels.drop(replicaLabels) };
    return { alert };
  }
  if (rule.recording === undefined) return rule;
  return { recording: { ...rule.recording, labels: rule.recording.labels.drop(replicaLabels) } };
}

/** Joins groups of equal file and name, and keeps one of each set of replicated rules. */
export function dedupRuleGroups(
  groups: readonly RuleGroup[],
  replicaLabels: readonly string[],
): RuleGroup[] {
  const drop = new Set(replicaLabels);
  const joined = new Map<string, RuleGroup>();
  for (const group of groups) {
    const key = `${group.file};${group.name}`;
    const known = joined.get(key);
    joined.set(
      key,
      known === undefined ? group : { ...known, rules: [...known.rules, ...group.rules] },
    );
  }
  const keys = [...joined.keys()].sort(compareStrings);
  return keys.map((key) => {
    const group = joined.get(key)!;
    const sorted = group.rules.map((rule) => withoutReplicaLabels(rule, drop)).sort(compareRules);
    const rules: Rule[] = [];
    for (const rule of sorted) {
      const last = rules.at(-1);
      if (last === undefined || compareRules(last, rule) !== 0) rules.push(rule);
      else if (isBetter(last, rule)) rules[rules.length - 1] = rule;
    }
    return { ...group, rules };
  });
}
