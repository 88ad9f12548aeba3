// Metrics of evaluation under Prometheus' names, each with the strategy of its group, and those of the ruler itself.
import type { PartialResponseStrategy, RuleGroupSpec, RuleMetrics } from "@deucalion/rules";
import { Counter, Gauge, type Registry, Summary } from "prom-client";

const groupLabels = ["strategy", "rule_group"] as const;
type GroupLabel = (typeof groupLabels)[number];

/** What the ruler counts about itself. */
export interface RulerMetrics {
  readonly evaluation: RuleMetrics;
  warned(strategy: PartialResponseStrategy): void;
  duplicateQuerier(): void;
  reloaded(ok: boolean, nowMs: number): void;
  /** The groups that are loaded now. */
  loaded(groups: readonly RuleGroupSpec[]): void;
  damaged(): void;
}

/** One Gauge or Counter per group, gone with it. */
class GroupMetrics {
  readonly evaluations: Counter<GroupLabel>;
  readonly failures: Counter<GroupLabel>;
  readonly iterations: Counter<GroupLabel>;
  readonly missed: Counter<GroupLabel>;
  readonly lastEvaluation: Gauge<GroupLabel>;
  readonly lastDuration: Gauge<GroupLabel>;
  readonly lastRuleDurations: Gauge<GroupLabel>;
  readonly lastRestore: Gauge<GroupLabel>;
  readonly interval: Gauge<GroupLabel>;
  readonly rules: Gauge<GroupLabel>;
  readonly samples: Gauge<GroupLabel>;
  readonly backfilled: Counter<GroupLabel>;
  readonly backlog: Gauge<GroupLabel>;
  readonly backlogDropped: Counter<GroupLabel>;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = groupLabels;
    const counter = (name: string, help: string) =>
      new Counter({ name, help, labelNames, registers });
    const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
    this.evaluations = counter("prometheus_rule_evaluations_total", "Evaluations of rules.");
    this.failures = counter(
      "prometheus_rule_evaluation_failures_total",
      "Evaluations of rules that failed.",
    );
    this.iterations = counter(
      "prometheus_rule_group_iterations_total",
      "Evaluations of groups that were due, missed ones among them.",
    );
    this.missed = counter(
      "prometheus_rule_group_iterations_missed_total",
      "Evaluations of groups that were missed because one before took too long.",
    );
    this.lastEvaluation = gauge(
      "prometheus_rule_group_last_evaluation_timestamp_seconds",
      "When the group was evaluated last, in unix seconds.",
    );
    this.lastDuration = gauge(
      "prometheus_rule_group_last_duration_seconds",
      "How long the last evaluation of the group took.",
    );
    this.lastRuleDurations = gauge(
      "prometheus_rule_group_last_rule_duration_sum_seconds",
      "How long the rules of the group took in its last evaluation, together.",
    );
    this.lastRestore = gauge(
      "prometheus_rule_group_last_restore_duration_seconds",
      "How long it took to restore the state of the group's alerts.",
    );
    this.interval = gauge("prometheus_rule_group_interval_seconds", "Interval of the group.");
    this.rules = gauge("prometheus_rule_group_rules", "Rules of the group.");
    this.samples = gauge(
      "prometheus_rule_group_last_evaluation_samples",
      "Samples of the last evaluation of the group.",
    );
    this.backfilled = counter(
      "deucalion_rule_backfilled_evaluations_total",
      "Evaluations of recording rules that were made up for after queries failed.",
    );
    this.backlog = gauge(
      "deucalion_rule_backlog_evaluations",
      "Evaluations of recording rules that wait to be made up for.",
    );
    this.backlogDropped = counter(
      "deucalion_rule_backlog_dropped_evaluations_total",
      "Evaluations of recording rules that will not be made up for.",
    );
  }

  get #all(): readonly (Counter<GroupLabel> | Gauge<GroupLabel>)[] {
    return [
      this.evaluations,
      this.failures,
      this.iterations,
      this.missed,
      this.lastEvaluation,
      this.lastDuration,
      this.lastRuleDurations,
      this.lastRestore,
      this.interval,
      this.rules,
      this.samples,
      this.backfilled,
      this.backlog,
      this.backlogDropped,
    ];
  }

  remove(labels: Record<GroupLabel, string>): void {
    for (const one of this.#all) one.remove(labels);
  }
}

/** Registers everything; values of a group appear when the group does. */
export function rulerMetrics(registry: Registry): RulerMetrics {
  const registers = [registry];
  const groups = new GroupMetrics(registry);
  const strategies = new Map<string, PartialResponseStrategy>();
  const known = new Map<string, Record<GroupLabel, string>>();
  const labelsOf = (group: string): Record<GroupLabel, string> => {
    let labels = known.get(group);
    if (labels === undefined) {
      labels = { strategy: strategies.get(group) ?? "abort", rule_group: group };
      known.set(group, labels);
    }
    return labels;
  };
  const strategyName = ["strategy"] as const;
  const evaluationSeconds = new Summary({
    name: "prometheus_rule_evaluation_duration_seconds",
    help: "How long rules take to evaluate.",
    labelNames: strategyName,
    percentiles: [0.5, 0.9, 0.99],
    maxAgeSeconds: 600,
    ageBuckets: 5,
    registers,
  });
  const groupSeconds = new Summary({
    name: "prometheus_rule_group_duration_seconds",
    help: "How long groups take to evaluate.",
    labelNames: strategyName,
    percentiles: [0.01, 0.05, 0.5, 0.9, 0.99],
    maxAgeSeconds: 600,
    ageBuckets: 5,
    registers,
  });
  const expansions = new Counter({
    name: "prometheus_template_text_expansions_total",
    help: "Templates of alerts that were expanded.",
    registers,
  });
  const expansionFailures = new Counter({
    name: "prometheus_template_text_expansion_failures_total",
    help: "Templates of alerts that failed to expand.",
    registers,
  });
  const warnings = new Counter({
    name: "thanos_rule_evaluation_with_warnings_total",
    help: "Answers from which stores were missing, by the strategy of the group.",
    labelNames: strategyName,
    registers,
  });
  for (const strategy of ["abort", "warn"]) warnings.inc({ strategy }, 0);
  const evaluation: RuleMetrics = {
    groupAdded: (group, rules, intervalMs) => {
      known.delete(group);
      const labels = labelsOf(group);
      for (const one of [groups.evaluations, groups.failures, groups.iterations, groups.missed]) {
        one.inc(labels, 0);
      }
      groups.rules.set(labels, rules);
      groups.interval.set(labels, intervalMs / 1000);
    },
    groupRemoved: (group) => {
      groups.remove(labelsOf(group));
      known.delete(group);
    },
    evaluated: (group, durationMs) => {
      const labels = labelsOf(group);
      groups.evaluations.inc(labels);
      evaluationSeconds.observe({ strategy: labels.strategy }, durationMs / 1000);
    },
    failed: (group) => groups.failures.inc(labelsOf(group)),
    warned: (strategy) => warnings.inc({ strategy }),
    iterationsScheduled: (group, count) => groups.iterations.inc(labelsOf(group), count),
    iterationsMissed: (group, count) => groups.missed.inc(labelsOf(group), count),
    iterated: (group, outcome) => {
      const labels = labelsOf(group);
      groups.lastEvaluation.set(labels, outcome.startMs / 1000);
      groups.lastDuration.set(labels, outcome.durationMs / 1000);
      groups.lastRuleDurations.set(labels, outcome.ruleDurationMs / 1000);
      groups.samples.set(labels, outcome.samples);
      groupSeconds.observe({ strategy: labels.strategy }, outcome.durationMs / 1000);
    },
    restored: (group, durationMs) => groups.lastRestore.set(labelsOf(group), durationMs / 1000),
    backfilled: (group, count) => groups.backfilled.inc(labelsOf(group), count),
    backlog: (group, count) => groups.backlog.set(labelsOf(group), count),
    backlogDropped: (group, count) => groups.backlogDropped.inc(labelsOf(group), count),
    expanded: (failed) => {
      expansions.inc();
      if (failed) expansionFailures.inc();
    },
  };
  return { evaluation, ...ownMetrics(registry, strategies), warned: evaluation.warned! };
}

function ownMetrics(
  registry: Registry,
  strategies: Map<string, PartialResponseStrategy>,
): Omit<RulerMetrics, "evaluation" | "warned"> {
  const registers = [registry];
  const successful = new Gauge({
    name: "thanos_rule_config_last_reload_successful",
    help: "1 if the last reading of the rule files went well.",
    registers,
  });
  const successAt = new Gauge({
    name: "thanos_rule_config_last_reload_success_timestamp_seconds",
    help: "When rule files were last read without an error, in unix seconds.",
    registers,
  });
  const duplicates = new Counter({
    name: "thanos_rule_duplicated_query_addresses_total",
    help: "Addresses of queriers that are given more than once.",
    registers,
  });
  const rules = new Gauge({
    name: "thanos_rule_loaded_rules",
    help: "Rules that are loaded, by file and group.",
    labelNames: ["strategy", "file", "group"],
    registers,
  });
  const damage = new Counter({
    name: "deucalion_rule_damaged_total",
    help: "Parts of the stored data that could not be read.",
    registers,
  });
  return {
    duplicateQuerier: () => duplicates.inc(),
    damaged: () => damage.inc(),
    reloaded: (ok, nowMs) => {
      successful.set(ok ? 1 : 0);
      if (ok) successAt.set(nowMs / 1000);
    },
    loaded: (groups) => {
      rules.reset();
      strategies.clear();
      for (const { name, file, partialResponseStrategy, rules: list } of groups) {
        strategies.set(`${file};${name}`, partialResponseStrategy);
        const strategy = partialResponseStrategy.toUpperCase();
        rules.set({ strategy, file, group: name }, list.length);
      }
    },
  };
}
