// What a group of rules needs from the process around it.
import type { Log } from "@deucalion/base";
import { type FloatHistogram, Labels, type Matcher } from "@deucalion/model";
import type { Alert } from "./rule/alert.ts";
import type { PartialResponseStrategy, RuleSpec } from "./spec.ts";

/** One series of an instant result; a scalar is one without labels. */
export interface RuleSample {
  readonly labels: Labels;
  /** Not looked at where there is a histogram. */
  readonly value: number;
  readonly histogram?: FloatHistogram | undefined;
}

export interface RuleQueryResult {
  readonly samples: readonly RuleSample[];
  /** Warnings of stores, counted for `rule_evaluation_with_warnings_total`; annotations of PromQL are left out. */
  readonly warnings: readonly string[];
}

/** One series of a range result. */
export interface RuleRangeSeries {
  readonly labels: Labels;
  /** Milliseconds, ascending. */
  readonly times: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly histograms: readonly (FloatHistogram | undefined)[] | null;
}

export interface RuleQueryOptions {
  readonly strategy: PartialResponseStrategy;
  readonly signal: AbortSignal;
  readonly group: { readonly name: string; readonly file: string };
  /** Absent for queries that templates make. */
  readonly rule?: RuleSpec;
}

/** A sample to be stored. */
export interface AppendSample {
  readonly labels: Labels;
  /** Milliseconds. */
  readonly timeMs: number;
  readonly value: number;
  readonly histogram?: FloatHistogram | undefined;
  /** A stale marker; `value` is not looked at. */
  readonly stale?: boolean;
}

/** A sample that storage would not take. */
export interface AppendRejection {
  /** Index in what was given to `append`. */
  readonly index: number;
  readonly reason: "out-of-order" | "too-old" | "duplicate" | "other";
  readonly message: string;
}

/** The last sample of an `ALERTS_FOR_STATE` series. */
export interface ForStateSeries {
  readonly labels: Labels;
  readonly lastTimeMs: number;
  /** Seconds since the epoch at which the alert became active; may be a stale marker. */
  readonly lastValue: number;
  /** True if the last sample is a stale marker. */
  readonly stale: boolean;
}

/** Told what happens, for metrics. `group` is `file;name`. All are optional. */
export interface RuleMetrics {
  evaluated?(group: string, durationMs: number): void;
  failed?(group: string): void;
  /** A rule was evaluated on an answer with warnings. */
  warned?(strategy: PartialResponseStrategy): void;
  iterationsScheduled?(group: string, count: number): void;
  iterationsMissed?(group: string, count: number): void;
  iterated?(group: string, outcome: IterationOutcome): void;
  restored?(group: string, durationMs: number): void;
  /** Evaluations of recording rules that were made up for after an outage. */
  backfilled?(group: string, evaluations: number): void;
  /** Evaluations that wait to be made up for. */
  backlog?(group: string, evaluations: number): void;
  /** Evaluations that will never be made up for: too old, or too many. */
  backlogDropped?(group: string, evaluations: number): void;
  expanded?(failed: boolean): void;
  /** The group exists from now on; all its series begin at 0. */
  groupAdded?(group: string, rules: number, intervalMs: number): void;
  groupRemoved?(group: string): void;
}

/** One iteration of a group. */
export interface IterationOutcome {
  /** Wall clock, ms since the epoch. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Sum over the rules, which may have run side by side. */
  readonly ruleDurationMs: number;
  readonly samples: number;
}

export interface RuleGroupDeps {
  /**
   * Evaluates an instant query. Throws RulesError: RULES_UNAVAILABLE where doing it later may help (recording rules
   * are then made up for), RULES_QUERY or RULES_RESULT where it will not.
   */
  query(expr: string, timeMs: number, options: RuleQueryOptions): Promise<RuleQueryResult>;
  /**
   * Told of rules that are about to be evaluated and read nothing of each other: they may be asked for together, and
   * `query` then answers from that. Must not throw.
   */
  prepare?(
    rules: readonly RuleSpec[],
    timeMs: number,
    options: Omit<RuleQueryOptions, "rule">,
  ): Promise<void>;
  /** For making up for a long outage in one query; without it there is one instant query for each time. */
  queryRange?(
    expr: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: RuleQueryOptions,
  ): Promise<readonly RuleRangeSeries[]>;
  /** Stores samples of one rule. Returns those that were not taken; throws if none could be stored. */
  append(
    samples: readonly AppendSample[],
    signal: AbortSignal,
  ): Promise<readonly AppendRejection[]>;
  /**
   * Waits until what was appended before can be queried, at least for a while; called before a rule that reads what others
   * of its group have just written. Absent where that is so at once. Must not throw.
   */
  settle?(signal: AbortSignal): Promise<void>;
  /**
   * Last samples of the `ALERTS_FOR_STATE` series that all matchers match, of a time range (ms, inclusive).
   * Absent: `for` state is never restored, and alerts are stored from the first evaluation on.
   */
  readForState?(
    matchers: readonly Matcher[],
    minTimeMs: number,
    maxTimeMs: number,
    signal: AbortSignal,
  ): Promise<readonly ForStateSeries[]>;
  /** Takes alerts that are due to be sent: firing ones and resolved ones, never pending ones. Must not throw. */
  notify(query: string, alerts: readonly Alert[]): void;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  readonly log: Log;
  readonly metrics?: RuleMetrics;
}

export interface RuleGroupOptions {
  /** For groups that name no interval. */
  readonly intervalMs: number;
  /** For groups that name no query offset. */
  readonly queryOffsetMs: number;
  readonly resendDelayMs: number;
  readonly outageToleranceMs: number;
  readonly gracePeriodMs: number;
  /** Rules that all groups may evaluate side by side; 1 is one after another. */
  readonly concurrentEvaluations: number;
  /** As templates see them; by name. */
  readonly externalLabels: Labels;
  /** As templates see it. */
  readonly externalUrl: string;
  /** What the functions `externalURL` and `pathPrefix` give, if not `externalUrl`; null: they fail. */
  readonly functionUrl?: string | null;
  /** How far back recording rules are made up for; 0 never. */
  readonly backfillMs: number;
}

export const ruleGroupDefaults: RuleGroupOptions = {
  intervalMs: 60_000,
  queryOffsetMs: 0,
  resendDelayMs: 60_000,
  outageToleranceMs: 3_600_000,
  gracePeriodMs: 600_000,
  concurrentEvaluations: 1,
  externalLabels: Labels.empty,
  externalUrl: "",
  backfillMs: 3_600_000,
};
