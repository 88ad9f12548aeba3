// A process around groups for tests: a clock that tests set, answers that tests give, everything that was written.
import { silentLog } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import {
  type AppendSample,
  type ForStateSeries,
  type RuleGroupDeps,
  type RuleGroupOptions,
  type RuleSample,
  ruleGroupDefaults,
} from "../deps.ts";
import { RulesError } from "../errors.ts";
import type { Alert } from "../rule/alert.ts";
import type { RuleGroupSpec, RuleSpec } from "../spec.ts";

export class RecordedProcess {
  nowMs = 0;
  /** Nobody answers queries. */
  down = false;
  /** Result by expression: name of the series and value. */
  answer: (query: string, timeMs: number) => readonly RuleSample[] = () => [];
  forState: readonly ForStateSeries[] = [];
  readonly stored: AppendSample[] = [];
  readonly sent: Alert[] = [];
  readonly queries: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly options: RuleGroupOptions;

  constructor(options: Partial<RuleGroupOptions> = {}) {
    this.options = { ...ruleGroupDefaults, ...options };
  }

  #count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  deps(changes: Partial<RuleGroupDeps> = {}): RuleGroupDeps {
    return {
      query: async (expr, timeMs) => {
        this.queries.push(`${expr}@${timeMs}`);
        if (this.down) throw new RulesError("RULES_UNAVAILABLE", "no query API server reachable");
        return { samples: this.answer(expr, timeMs), warnings: [] };
      },
      append: async (samples) => {
        this.stored.push(...samples);
        return [];
      },
      readForState: async () => this.forState,
      notify: (_, alerts) => void this.sent.push(...alerts),
      now: () => this.nowMs,
      log: silentLog,
      metrics: {
        iterationsMissed: (_, count) => this.#count("missed", count),
        backfilled: (_, count) => this.#count("backfilled", count),
        backlogDropped: (_, count) => this.#count("dropped", count),
        failed: () => this.#count("failed"),
      },
      ...changes,
    };
  }

  /** What was stored since the last call, as `series value@time`. */
  takeStored(): string[] {
    return this.stored
      .splice(0)
      .map(
        ({ labels, value, timeMs, stale }) =>
          `${labels} ${stale === true ? "stale" : value}@${timeMs}`,
      );
  }
}

/** A sample of a series with these labels. */
export function sample(labels: Record<string, string>, value = 1): RuleSample {
  return { labels: Labels.from(labels), value };
}

export function group(
  rules: readonly RuleSpec[],
  changes: Partial<RuleGroupSpec> = {},
): RuleGroupSpec {
  return {
    name: "g",
    file: "f.yml",
    intervalMs: 60_000,
    queryOffsetMs: null,
    limit: 0,
    partialResponseStrategy: "abort",
    rules,
    ...changes,
  };
}

/** Labels of a rule keep empty values. */
function ruleLabels(labels: Record<string, string>): Labels {
  return new Labels(Object.entries(labels).sort().flat());
}

export function recording(
  name: string,
  query: string,
  labels: Record<string, string> = {},
): RuleSpec {
  return { kind: "recording", name, query, labels: ruleLabels(labels) };
}

export function alerting(
  name: string,
  query: string,
  changes: { forMs?: number; keepFiringForMs?: number; labels?: Record<string, string> } = {},
): RuleSpec {
  const { forMs = 0, keepFiringForMs = 0, labels = {} } = changes;
  const annotations = [["summary", "{{ $labels.job }} is {{ $value }}"]] as const;
  return {
    kind: "alerting",
    name,
    query,
    forMs,
    keepFiringForMs,
    labels: ruleLabels(labels),
    annotations,
  };
}
