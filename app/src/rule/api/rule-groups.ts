// Groups of rules in the form of the Rules API.
import { formatGoFloat } from "@deucalion/kernels";
import { Labels } from "@deucalion/model";
import type { Alert, PartialResponseStrategy, RuleGroup } from "@deucalion/rules";
import {
  type AlertInstance,
  type Rule,
  type RuleGroup as RuleGroupMessage,
  type Timestamp,
  zeroTimestamp,
} from "@deucalion/storeapi";

const states = { unknown: 0, inactive: 1, pending: 2, firing: 3 } as const;
const strategies: Readonly<Record<PartialResponseStrategy, number>> = { warn: 0, abort: 1 };

function timestampOf(ms: number | null): Timestamp {
  if (ms === null) return zeroTimestamp;
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

/** Labels and annotations may have empty values here. */
function keptLabels(pairs: Iterable<readonly [string, string]>): Labels {
  return new Labels([...pairs].flat());
}

/** Go's `%e` with as many digits as the number needs. */
function exponentText(value: number): string {
  if (!Number.isFinite(value)) return formatGoFloat(value);
  const [digits = "0", exponent = "0"] = value.toExponential().split("e");
  const sign = exponent.startsWith("-") ? "-" : "+";
  return `${Object.is(value, -0) ? "-" : ""}${digits}e${sign}${exponent.replace(/^[+-]/, "").padStart(2, "0")}`;
}

/** An alert that is pending or firing. */
function alertInstance(alert: Alert, strategy: PartialResponseStrategy): AlertInstance {
  return {
    labels: alert.labels,
    annotations: keptLabels(alert.annotations),
    state: states[alert.state],
    activeAt: timestampOf(alert.activeAtMs),
    value: exponentText(alert.value),
    partialResponseStrategy: strategies[strategy],
  };
}

type RunningRule = RuleGroup["rules"][number];

function ruleMessage(rule: RunningRule, external: Labels, strategy: PartialResponseStrategy): Rule {
  const { spec, memory } = rule;
  let labels = keptLabels(spec.labels);
  for (const [name, value] of external) labels = labels.with(name, value);
  const body = {
    name: spec.name,
    query: spec.query,
    labels,
    health: memory.health,
    lastError: memory.lastError ?? "",
    evaluationDurationSeconds: memory.evaluationMs / 1000,
    lastEvaluation: timestampOf(memory.lastEvaluationMs),
  };
  if (rule.kind === "recording") return { recording: body };
  return {
    alert: {
      ...body,
      state: states[rule.state],
      durationSeconds: rule.spec.forMs / 1000,
      keepFiringForSeconds: rule.spec.keepFiringForMs / 1000,
      annotations: keptLabels(rule.spec.annotations),
      alerts: rule.activeAlerts().map((alert) => alertInstance(alert, strategy)),
    },
  };
}

/** Groups as they are now; external labels are among the labels of rules. */
export function ruleGroupMessages(
  groups: readonly RuleGroup[],
  external: Labels,
): RuleGroupMessage[] {
  return groups.map(({ spec, rules, intervalMs, evaluationMs, lastEvaluationMs }) => ({
    name: spec.name,
    file: spec.file,
    rules: rules.map((rule) => ruleMessage(rule, external, spec.partialResponseStrategy)),
    interval: intervalMs / 1000,
    evaluationDurationSeconds: evaluationMs / 1000,
    lastEvaluation: timestampOf(lastEvaluationMs),
    limit: spec.limit,
    partialResponseStrategy: strategies[spec.partialResponseStrategy],
  }));
}
