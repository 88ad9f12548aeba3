// Rules and alerts as flat lists of rows that can be filtered and windowed.
import type { AlertInstance, Rule, RuleGroup } from "../api/types.ts";
import { formatLabels } from "../format/labels.ts";

/** A row of the list: the head of a group, or a rule in it. */
export type RuleRow =
  | { readonly kind: "group"; readonly key: string; readonly group: RuleGroup; readonly n: number }
  | { readonly kind: "rule"; readonly key: string; readonly group: RuleGroup; readonly rule: Rule };

const searched = new WeakMap<Rule, string>();

/** What a search looks at; made once per rule. */
function textOf(rule: Rule, group: RuleGroup): string {
  let text = searched.get(rule);
  if (text === undefined) {
    text =
      `${rule.name} ${rule.query} ${group.name} ${group.file} ${formatLabels(rule.labels ?? {})}`.toLowerCase();
    searched.set(rule, text);
  }
  return text;
}

/** The state of a rule as the lists show it. */
export function ruleState(rule: Rule): string {
  if (rule.type === "recording") return rule.health === "err" ? "err" : "ok";
  return rule.state ?? "inactive";
}

/** Rows of the rules that contain every word of `filter`, are in one of `states` (empty: all), and are of `type`. */
export function ruleRows(
  groups: readonly RuleGroup[],
  filter: string,
  states: readonly string[],
  type: "alerting" | "any",
): RuleRow[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((w) => w !== "");
  const rows: RuleRow[] = [];
  const seen = new Map<string, number>();
  for (const group of groups) {
    // The same group may come from several rulers; what is open must survive a new order of groups.
    const id = `${group.file}\0${group.name}`;
    const copy = seen.get(id) ?? 0;
    seen.set(id, copy + 1);
    const key = `${id}\0${copy}`;
    const found: RuleRow[] = [];
    (group.rules ?? []).forEach((rule, r) => {
      if (type === "alerting" && rule.type !== "alerting") return;
      if (states.length > 0 && !states.includes(ruleState(rule))) return;
      const text = textOf(rule, group);
      if (!words.every((word) => text.includes(word))) return;
      found.push({ kind: "rule", key: `${key}\0${r}`, group, rule });
    });
    if (found.length === 0) continue;
    rows.push({ kind: "group", key, group, n: found.length }, ...found);
  }
  return rows;
}

const ranks: Readonly<Record<string, number>> = { firing: 0, pending: 1 };

/** The groups with the worst state first: firing, pending, the others; otherwise in their order. */
export function worstFirst(groups: readonly RuleGroup[]): RuleGroup[] {
  const rank = (group: RuleGroup): number =>
    Math.min(2, ...(group.rules ?? []).map((rule) => ranks[ruleState(rule)] ?? 2));
  return groups
    .map((group) => ({ group, rank: rank(group) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ group }) => group);
}

/** How many rules are in each state. */
export function countStates(
  groups: readonly RuleGroup[],
  type: "alerting" | "any",
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const group of groups) {
    for (const rule of group.rules ?? []) {
      if (type === "alerting" && rule.type !== "alerting") continue;
      const state = ruleState(rule);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
  }
  return counts;
}

/** The oldest active instance of a rule, in milliseconds since 1970, or null. */
export function activeSince(alerts: readonly AlertInstance[] | null | undefined): number | null {
  let oldest: number | null = null;
  for (const alert of alerts ?? []) {
    const at = Date.parse(alert.activeAt ?? "");
    if (!Number.isNaN(at) && (oldest === null || at < oldest)) oldest = at;
  }
  return oldest;
}
