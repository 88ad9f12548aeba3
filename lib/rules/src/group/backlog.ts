// Recording rules make up for evaluations that an outage of the query path took from them, in order of time.
import { messageOf } from "@deucalion/base";
import type { FloatHistogram, Labels } from "@deucalion/model";
import type { AppendSample, RuleGroupDeps, RuleQueryOptions, RuleSample } from "../deps.ts";
import { RulesError } from "../errors.ts";
import type { RecordingRule } from "../rule/recording-rule.ts";
import type { RuleMemory } from "../rule/rule-health.ts";

/** Evaluations made up for with one query. */
const runEvaluations = 500;

/** What a group tells about itself. */
interface GroupTimes {
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly spec: { readonly limit: number };
}

export interface MakeUpOutcome {
  /** Nobody answered: the rest waits. */
  readonly available: boolean;
  readonly done: number;
  /** Evaluations that fail for good, as they would have at their time. */
  readonly dropped: number;
}

/** Forgets evaluations before a time (ms) and returns how many. */
export function dropOldBacklog(
  rules: readonly { readonly memory: RuleMemory }[],
  beforeMs: number,
): number {
  let dropped = 0;
  for (const { memory } of rules) {
    const kept = memory.backlog.filter((timeMs) => timeMs >= beforeMs);
    dropped += memory.backlog.length - kept.length;
    memory.backlog = kept;
  }
  return dropped;
}

/** Makes up for a stretch of what a rule lacks, its oldest; the rule's backlog shrinks by what was done. */
export async function makeUp(
  rule: RecordingRule,
  group: GroupTimes,
  deps: RuleGroupDeps,
  options: RuleQueryOptions,
): Promise<MakeUpOutcome> {
  const { memory } = rule;
  let done = 0;
  let dropped = 0;
  while (memory.backlog.length > 0 && done < runEvaluations) {
    const run = deps.queryRange === undefined ? 1 : runLength(memory.backlog, group.intervalMs);
    const times = memory.backlog.slice(0, run);
    try {
      const results = await resultsOf(rule, times, group, deps, options);
      const samples = samplesOf(rule, times, results, group);
      if (samples.length > 0) await deps.append(samples, options.signal);
      done += times.length;
    } catch (thrown) {
      const unavailable = thrown instanceof RulesError && thrown.code === "RULES_UNAVAILABLE";
      if (unavailable || options.signal.aborted) return { available: false, done, dropped };
      const fields = { name: rule.spec.name, err: messageOf(thrown), evaluations: times.length };
      deps.log.warn("Making up for evaluations failed", fields);
      dropped += times.length;
    }
    memory.backlog.splice(0, times.length);
  }
  return { available: true, done, dropped };
}

/** How many of the first times follow each other by one interval. */
function runLength(times: readonly number[], intervalMs: number): number {
  let length = 1;
  while (
    length < Math.min(times.length, runEvaluations) &&
    times[length]! - times[length - 1]! === intervalMs
  ) {
    length++;
  }
  return length;
}

/** The result at each time. */
async function resultsOf(
  rule: RecordingRule,
  times: readonly number[],
  { intervalMs, queryOffsetMs }: GroupTimes,
  deps: RuleGroupDeps,
  options: RuleQueryOptions,
): Promise<RuleSample[][]> {
  const { query } = rule.spec;
  const first = times[0]! - queryOffsetMs;
  const last = times[times.length - 1]! - queryOffsetMs;
  if (deps.queryRange === undefined || times.length === 1) {
    return [[...(await deps.query(query, first, options)).samples]];
  }
  const results: RuleSample[][] = times.map(() => []);
  for (const series of await deps.queryRange(query, first, last, intervalMs, options)) {
    for (let i = 0; i < series.times.length; i++) {
      const at = Math.round((series.times[i]! - first) / intervalMs);
      const histogram: FloatHistogram | undefined = series.histograms?.[i];
      results[at]?.push({ labels: series.labels, value: series.values[i]!, histogram });
    }
  }
  return results;
}

/** What is to be stored, stale markers for series that vanish on the way included. */
function samplesOf(
  rule: RecordingRule,
  times: readonly number[],
  results: readonly (readonly RuleSample[])[],
  group: GroupTimes,
): AppendSample[] {
  const out: AppendSample[] = [];
  let previous: ReadonlyMap<string, Labels> = rule.memory.previousSeries;
  let series = new Map(previous);
  for (let i = 0; i < times.length; i++) {
    const timeMs = times[i]! - group.queryOffsetMs;
    const samples = rule.samples(results[i]!, timeMs, group.spec.limit);
    series = new Map(samples.map(({ labels }) => [labels.key, labels]));
    out.push(...samples);
    for (const [key, labels] of previous)
      if (!series.has(key)) out.push({ labels, timeMs, value: Number.NaN, stale: true });
    previous = series;
  }
  rule.memory.previousSeries = series;
  return out;
}
