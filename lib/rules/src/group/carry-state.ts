// After a reload: which groups go on, which are new, and what the rules of new ones remember of old ones.
import type { Labels } from "@deucalion/model";
import type { RuleGroupSpec, RuleSpec } from "../spec.ts";
import { groupKey } from "./group-slot.ts";
import type { Rule, RuleGroup } from "./rule-group.ts";

/** What a reload changes. */
export interface GroupDifference {
  /** Groups whose file says what it said: they go on untouched. */
  readonly kept: readonly RuleGroup[];
  /** Groups to be made. */
  readonly added: readonly RuleGroupSpec[];
  /** Groups to be stopped; those with a successor of the same file and name among them. */
  readonly removed: readonly RuleGroup[];
}

function sameSpec(a: RuleGroupSpec, b: RuleGroupSpec): boolean {
  return JSON.stringify(specText(a)) === JSON.stringify(specText(b));
}

function specText(spec: RuleGroupSpec): unknown {
  return { ...spec, rules: spec.rules.map((rule) => ({ ...rule, labels: rule.labels.pairs })) };
}

/** Compares running groups with what files say now. Of groups with the same file and name the last counts. */
export function diffGroups(
  running: readonly RuleGroup[],
  specs: readonly RuleGroupSpec[],
): GroupDifference {
  const wanted = new Map(specs.map((spec) => [groupKey(spec.file, spec.name), spec]));
  const kept: RuleGroup[] = [];
  const removed: RuleGroup[] = [];
  for (const group of running) {
    const spec = wanted.get(group.key);
    if (spec !== undefined && sameSpec(spec, group.spec)) {
      kept.push(group);
      wanted.delete(group.key);
    } else {
      removed.push(group);
    }
  }
  return { kept, added: [...wanted.values()], removed };
}

/** What makes a rule the same rule, wherever it stands: its name, its expression and its labels. */
function identity({ kind, name, query, labels }: RuleSpec): string {
  return JSON.stringify([kind, name, labels.pairs, query]);
}

/** What Prometheus goes by within a group: an edited expression is still the same rule. */
function nameAndLabels({ kind, name, labels }: RuleSpec): string {
  return JSON.stringify([kind, name, labels.pairs]);
}

/** Old rules that nobody has taken over yet, first come first served by key. */
class Heirs {
  readonly #free = new Map<string, Rule[]>();

  constructor(rules: Iterable<readonly [string, Rule]>) {
    for (const [key, rule] of rules) {
      const list = this.#free.get(key);
      if (list === undefined) this.#free.set(key, [rule]);
      else list.push(rule);
    }
  }

  take(key: string, taken: Set<Rule>): Rule | undefined {
    const rule = this.#free.get(key)?.find((one) => !taken.has(one));
    if (rule !== undefined) taken.add(rule);
    return rule;
  }
}

/**
 * Hands the memory of rules of stopped groups to those of new ones. First come rules that are the same in the same group,
 * then those of the same name and labels there, then the same rule in any group: so renamed and moved rules keep
 * their alerts. Returns series of rules without heirs by group; they are to be marked stale.
 */
export function carryState(
  removed: readonly RuleGroup[],
  added: readonly RuleGroup[],
): Map<RuleGroup, Labels[]> {
  const taken = new Set<Rule>();
  const served = new Set<Rule>();
  const pass = (keyOf: (group: RuleGroup, rule: Rule) => string): void => {
    const all = removed.flatMap((group) =>
      group.rules.map((rule) => [keyOf(group, rule), rule] as const),
    );
    const heirs = new Heirs(all);
    for (const group of added) {
      for (const rule of group.rules) {
        if (served.has(rule)) continue;
        const from = heirs.take(keyOf(group, rule), taken);
        if (from === undefined) continue;
        served.add(rule);
        inherit(rule, from);
      }
    }
  };
  pass((group, { spec }) => `${group.key}\n${identity(spec)}`);
  pass((group, { spec }) => `${group.key}\n${nameAndLabels(spec)}`);
  pass((_, { spec }) => identity(spec));
  carryGroupTimes(removed, added);
  const orphans = new Map<RuleGroup, Labels[]>();
  for (const group of removed) {
    const series = [...group.staleSeries];
    for (const rule of group.rules)
      if (!taken.has(rule)) series.push(...rule.memory.previousSeries.values());
    if (series.length > 0) orphans.set(group, series);
  }
  return orphans;
}

function inherit(rule: Rule, from: Rule): void {
  if (rule.kind === "recording" && from.kind === "recording") rule.memory = from.memory;
  if (rule.kind === "alerting" && from.kind === "alerting") rule.memory = from.memory;
}

function carryGroupTimes(removed: readonly RuleGroup[], added: readonly RuleGroup[]): void {
  const before = new Map(removed.map((group) => [group.key, group]));
  for (const group of added) {
    const old = before.get(group.key);
    if (old === undefined) continue;
    group.lastEvaluationMs = old.lastEvaluationMs;
    group.evaluationMs = old.evaluationMs;
  }
}
