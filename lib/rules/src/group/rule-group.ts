// A group of rules at work: one evaluation of all of them, their samples stored, their alerts sent.
import { type Log, messageOf } from "@deucalion/base";
import type { Labels } from "@deucalion/model";
import type {
  AppendSample,
  RuleGroupDeps,
  RuleGroupOptions,
  RuleQueryOptions,
  RuleSample,
} from "../deps.ts";
import { RulesError } from "../errors.ts";
import { AlertingRule } from "../rule/alerting-rule.ts";
import { RecordingRule } from "../rule/recording-rule.ts";
import type { RuleGroupSpec, RuleSpec } from "../spec.ts";
import type { TemplateContext } from "../template/alert-template.ts";
import { dropOldBacklog, makeUp } from "./backlog.ts";
import { evaluationBatches } from "./dependencies.ts";
import { EvaluationSlots } from "./evaluation-slots.ts";
import { groupKey } from "./group-slot.ts";

export type Rule = RecordingRule | AlertingRule;

/** Evaluations that may fail to read the `for` state before it is taken as lost. */
const restoreAttempts = 5;

const never = new AbortController().signal;

/** A rule of a group and its place in it; what the steps of one evaluation hand to each other. */
interface Evaluated {
  readonly rule: Rule;
  readonly index: number;
  readonly timeMs: number;
  readonly signal: AbortSignal;
}

/** The rules of one group with their state. One evaluation at a time; whoever owns it sees to that. */
export class RuleGroup {
  readonly spec: RuleGroupSpec;
  /** `file;name`. */
  readonly key: string;
  readonly rules: readonly Rule[];
  /** The group's own interval, or the default, in ms. */
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  /** Wall clock at which the last iteration began, ms; null before the first. */
  lastEvaluationMs: number | null = null;
  /** How long the last iteration took, in ms. */
  evaluationMs = 0;
  /** Series of rules that are no more; they get a stale marker with the next evaluation. */
  staleSeries: Labels[] = [];
  readonly #deps: RuleGroupDeps;
  readonly #options: RuleGroupOptions;
  readonly #log: Log;
  readonly #slots: EvaluationSlots;
  #batches: number[][] | null | undefined;
  #stopped = false;
  /** A query of the last iteration found nobody to answer it. */
  #unavailable = false;
  #samples = 0;

  /** `slots` bound what all groups evaluate side by side. */
  constructor(
    spec: RuleGroupSpec,
    deps: RuleGroupDeps,
    options: RuleGroupOptions,
    slots: EvaluationSlots = new EvaluationSlots(options.concurrentEvaluations),
  ) {
    this.spec = spec;
    this.key = groupKey(spec.file, spec.name);
    this.intervalMs = spec.intervalMs > 0 ? spec.intervalMs : options.intervalMs;
    this.queryOffsetMs = spec.queryOffsetMs ?? options.queryOffsetMs;
    this.#deps = deps;
    this.#options = options;
    this.#slots = slots;
    this.#log = deps.log.with({ file: spec.file, group: spec.name });
    this.rules = spec.rules.map((rule) =>
      rule.kind === "recording" ? new RecordingRule(rule) : new AlertingRule(rule),
    );
    if (deps.readForState === undefined) {
      for (const rule of this.rules) if (rule.kind === "alerting") rule.memory.restored = true;
    }
  }

  /** An evaluation under way ends after the rule that it is at. */
  stop(): void {
    this.#stopped = true;
  }

  /** One iteration, as scheduled for `timeMs`: never throws, failures are in the rules' memory. */
  async iterate(timeMs: number, signal: AbortSignal = never): Promise<void> {
    const { metrics, now } = this.#deps;
    metrics?.iterationsScheduled?.(this.key, 1);
    const startMs = now();
    await this.evaluate(timeMs, signal);
    const durationMs = now() - startMs;
    this.lastEvaluationMs = startMs;
    this.evaluationMs = durationMs;
    const ruleDurationMs = this.rules.reduce((sum, { memory }) => sum + memory.evaluationMs, 0);
    metrics?.iterated?.(this.key, { startMs, durationMs, ruleDurationMs, samples: this.#samples });
  }

  /** Evaluates all rules at a time (ms). Never throws. */
  async evaluate(timeMs: number, signal: AbortSignal = never): Promise<void> {
    this.#samples = 0;
    this.#unavailable = false;
    await this.#restore(timeMs, signal);
    const waiting = await this.#makeUp(timeMs, signal);
    await this.#prepare(timeMs, waiting, signal);
    for (const batch of this.#order()) {
      const beside: Promise<void>[] = [];
      if (batch.some((index) => this.#readsGroup(index))) await this.#deps.settle?.(signal);
      for (const index of batch) {
        if (this.#stopped || signal.aborted) break;
        if (waiting.has(index)) continue;
        const evaluated = { rule: this.rules[index]!, index, timeMs, signal };
        if (batch.length > 1 && this.#slots.tryAcquire()) {
          beside.push(this.#evaluateRule(evaluated).finally(() => this.#slots.release()));
        } else {
          await this.#evaluateRule(evaluated);
        }
      }
      await Promise.all(beside);
    }
    await this.markStale(timeMs, signal);
  }

  /** Notes iterations that were never begun; those lost to an outage are made up for. */
  missed(times: readonly number[]): void {
    if (times.length === 0) return;
    this.#deps.metrics?.iterationsScheduled?.(this.key, times.length);
    this.#deps.metrics?.iterationsMissed?.(this.key, times.length);
    if (!this.#unavailable || this.#options.backfillMs <= 0) return;
    for (const rule of this.rules)
      if (rule.kind === "recording") rule.memory.backlog.push(...times);
  }

  /** Stores stale markers for the series of rules that are no more. */
  async markStale(timeMs: number, signal: AbortSignal = never): Promise<void> {
    if (this.staleSeries.length === 0) return;
    const sampleTimeMs = timeMs - this.queryOffsetMs;
    const markers = this.staleSeries.map((labels) => staleMarker(labels, sampleTimeMs));
    try {
      await this.#deps.append(markers, signal);
      this.staleSeries = [];
    } catch (thrown) {
      const err = messageOf(thrown);
      this.#log.warn("Stale sample appending for previous configuration failed", { err });
    }
  }

  #independent(): number[][] | null {
    if (this.#batches === undefined) this.#batches = evaluationBatches(this.spec.rules);
    return this.#batches;
  }

  /** True if a rule may read what rules before it have written in this round. */
  #readsGroup(index: number): boolean {
    const batches = this.#independent();
    return batches === null ? index > 0 : batches[0]?.includes(index) !== true;
  }

  #order(): readonly (readonly number[])[] {
    const alone = this.rules.map((_, index) => [index]);
    return this.#options.concurrentEvaluations <= 1 ? alone : (this.#independent() ?? alone);
  }

  /** The rules that read nothing of the group may be asked for together. */
  async #prepare(timeMs: number, waiting: ReadonlySet<number>, signal: AbortSignal): Promise<void> {
    const { prepare } = this.#deps;
    if (prepare === undefined || this.rules.length < 2) return;
    const [first = []] = this.#independent() ?? [];
    const rules = first.filter((index) => !waiting.has(index)).map((i) => this.spec.rules[i]!);
    if (rules.length < 2 || this.#stopped || signal.aborted) return;
    await prepare(rules, timeMs - this.queryOffsetMs, this.#queryOptions(signal));
  }

  #queryOptions(signal: AbortSignal, rule?: RuleSpec): RuleQueryOptions {
    const { name, file, partialResponseStrategy: strategy } = this.spec;
    const options = { strategy, signal, group: { name, file } };
    return rule === undefined ? options : { ...options, rule };
  }

  async #evaluateRule(evaluated: Evaluated): Promise<void> {
    const { rule, index } = evaluated;
    const { metrics, now } = this.#deps;
    const { memory, spec } = rule;
    const startMs = now();
    try {
      const samples = await this.#samplesOf(evaluated);
      memory.succeeded();
      this.#samples += samples.length;
      if (rule.kind === "alerting") this.#notify(rule, evaluated.timeMs);
      await this.#store(evaluated, samples);
    } catch (thrown) {
      memory.failed(messageOf(thrown));
      metrics?.failed?.(this.key);
      this.#noteUnavailable(evaluated, thrown);
      if (!evaluated.signal.aborted) {
        const err = messageOf(thrown);
        this.#log.warn("Evaluating rule failed", { name: spec.name, index, err });
      }
    }
    memory.lastEvaluationMs = startMs;
    memory.evaluationMs = now() - startMs;
    metrics?.evaluated?.(this.key, memory.evaluationMs);
  }

  async #samplesOf({ rule, timeMs, signal }: Evaluated): Promise<readonly AppendSample[]> {
    const sampleTimeMs = timeMs - this.queryOffsetMs;
    const { limit } = this.spec;
    const { spec } = rule;
    const options = this.#queryOptions(signal, spec);
    const { samples, warnings } = await this.#deps.query(spec.query, sampleTimeMs, options);
    if (warnings.length > 0) this.#deps.metrics?.warned?.(this.spec.partialResponseStrategy);
    if (rule.kind === "recording") return rule.samples(samples, sampleTimeMs, limit);
    const context = this.#templateContext(timeMs, signal);
    const { gracePeriodMs } = this.#options;
    return rule.evaluate(samples, timeMs, { ...context, sampleTimeMs, limit, gracePeriodMs });
  }

  #templateContext(timeMs: number, signal: AbortSignal): TemplateContext {
    const { externalLabels, externalUrl, functionUrl = externalUrl } = this.#options;
    const query = async (text: string): Promise<readonly RuleSample[]> =>
      (await this.#deps.query(text, timeMs, this.#queryOptions(signal))).samples;
    return {
      timeMs,
      externalLabels,
      externalUrl,
      functionUrl,
      query,
      expanded: (error) => {
        this.#deps.metrics?.expanded?.(error !== null);
        if (error !== null) this.#log.warn("Expanding alert template failed", { err: error });
      },
    };
  }

  #notify(rule: AlertingRule, timeMs: number): void {
    const due = rule.takeDue(timeMs, this.#options.resendDelayMs, this.intervalMs);
    if (due.length > 0) this.#deps.notify(rule.spec.query, due);
  }

  /** Stores what a rule gave, and stale markers for what it gave no more. */
  async #store(evaluated: Evaluated, samples: readonly AppendSample[]): Promise<void> {
    const { rule, timeMs, signal } = evaluated;
    const { memory } = rule;
    const series = new Map(samples.map(({ labels }) => [labels.key, labels]));
    const all = [...samples];
    for (const [key, labels] of memory.previousSeries) {
      if (!series.has(key)) all.push(staleMarker(labels, timeMs - this.queryOffsetMs));
    }
    if (all.length > 0) {
      const dropped: Record<string, number> = {};
      for (const { index, reason, message } of await this.#deps.append(all, signal)) {
        // A marker that comes too late tells that another rule goes on with the series.
        if (index >= samples.length) continue;
        series.delete(samples[index]!.labels.key);
        dropped[reason] = (dropped[reason] ?? 0) + 1;
        memory.failed(message);
      }
      for (const [reason, count] of Object.entries(dropped)) {
        const fields = { name: rule.spec.name, reason, num_dropped: count };
        this.#log.warn("Rule evaluation result discarded", fields);
      }
    }
    memory.previousSeries = series;
  }

  #noteUnavailable({ rule, timeMs }: Evaluated, thrown: unknown): void {
    if (!(thrown instanceof RulesError) || thrown.code !== "RULES_UNAVAILABLE") return;
    this.#unavailable = true;
    if (rule.kind === "recording" && this.#options.backfillMs > 0) rule.memory.backlog.push(timeMs);
  }

  /** Makes up for lost evaluations of recording rules; returns the rules that are still behind and now wait with `timeMs`. */
  async #makeUp(timeMs: number, signal: AbortSignal): Promise<ReadonlySet<number>> {
    const waiting = new Set<number>();
    const behind = this.rules.filter(({ memory }) => memory.backlog.length > 0);
    if (behind.length === 0) return waiting;
    const { metrics, now } = this.#deps;
    const untilMs = now() + this.intervalMs / 2;
    const lost = dropOldBacklog(behind, timeMs - this.#options.backfillMs);
    if (lost > 0) metrics?.backlogDropped?.(this.key, lost);
    let available = true;
    let left = 0;
    for (const [index, rule] of this.rules.entries()) {
      if (rule.kind !== "recording" || rule.memory.backlog.length === 0) continue;
      if (available && now() < untilMs) {
        const outcome = await makeUp(rule, this, this.#deps, this.#queryOptions(signal, rule.spec));
        available = outcome.available;
        if (outcome.done > 0) metrics?.backfilled?.(this.key, outcome.done);
        if (outcome.dropped > 0) metrics?.backlogDropped?.(this.key, outcome.dropped);
      }
      // What is written now could not be followed by what is older: the rule waits in line.
      if (rule.memory.backlog.length > 0) {
        rule.memory.backlog.push(timeMs);
        rule.memory.failed("waiting for earlier evaluations to be made up for");
        waiting.add(index);
      }
      left += rule.memory.backlog.length;
    }
    if (!available) this.#unavailable = true;
    metrics?.backlog?.(this.key, left);
    return waiting;
  }

  /** Reads the state from before a restart, for rules that have none. */
  async #restore(timeMs: number, signal: AbortSignal): Promise<void> {
    const { readForState, metrics, now } = this.#deps;
    if (readForState === undefined) return;
    const startMs = now();
    let tried = false;
    for (const rule of this.rules) {
      if (rule.kind !== "alerting" || rule.memory.restored) continue;
      tried = true;
      try {
        const minTimeMs = timeMs - this.#options.outageToleranceMs;
        const matchers = rule.forStateMatchers();
        rule.offerForState(await readForState(matchers, minTimeMs, timeMs, signal));
      } catch (thrown) {
        const { memory } = rule;
        const err = messageOf(thrown);
        this.#log.error("Failed to restore 'for' state", { alertname: rule.spec.name, err });
        if (++memory.restoreFailures >= restoreAttempts) memory.restored = true;
      }
    }
    if (tried) metrics?.restored?.(this.key, now() - startMs);
  }
}

function staleMarker(labels: Labels, timeMs: number): AppendSample {
  return { labels, timeMs, value: Number.NaN, stale: true };
}
