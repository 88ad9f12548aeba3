// An alerting rule: the alerts of an expression and how their state goes on from one evaluation to the next.
import { type Labels, Matcher } from "@deucalion/model";
import type { AppendSample, ForStateSeries, RuleSample } from "../deps.ts";
import { RulesError } from "../errors.ts";
import type { AlertingRuleSpec, Annotations } from "../spec.ts";
import { AlertTemplate, type TemplateContext } from "../template/alert-template.ts";
import type { Alert, AlertState } from "./alert.ts";
import { restoredActiveAt } from "./for-state.ts";
import { overlay, overlayPairs } from "./overlay.ts";
import { RuleMemory } from "./rule-health.ts";

/** How long a resolved alert is kept, and sent again, in case nobody heard. */
const resolvedRetentionMs = 15 * 60_000;

interface MutableAlert {
  state: AlertState;
  labels: Labels;
  annotations: Annotations;
  value: number;
  activeAtMs: number;
  firedAtMs: number | null;
  resolvedAtMs: number | null;
  lastSentAtMs: number | null;
  validUntilMs: number | null;
  keepFiringSinceMs: number | null;
}

/** What alerting rules remember beside the rest. */
export class AlertMemory extends RuleMemory {
  readonly alerts = new Map<string, MutableAlert>();
  /** ALERTS series are stored only once the state from before a restart is known. */
  restored = false;
  /** Evaluations that tried to restore and failed. */
  restoreFailures = 0;
  /** State from before a restart that no alert has taken yet, by labels without the name. */
  candidates: Map<string, ForStateSeries> | null = null;
  /** Evaluations for which the candidates are kept. */
  candidateRounds = 0;
}

/** What an evaluation needs beside the result. Times in ms. */
export interface AlertEvaluation extends TemplateContext {
  /** Time of the samples: the evaluation time less the query offset. */
  readonly sampleTimeMs: number;
  /** 0 is no limit. */
  readonly limit: number;
  readonly gracePeriodMs: number;
}

export class AlertingRule {
  readonly kind = "alerting";
  readonly spec: AlertingRuleSpec;
  memory = new AlertMemory();
  readonly #labels: readonly (readonly [string, AlertTemplate])[];
  readonly #annotations: readonly (readonly [string, AlertTemplate])[];

  constructor(spec: AlertingRuleSpec) {
    this.spec = spec;
    const template = (text: string) => new AlertTemplate(spec.name, text);
    this.#labels = [...spec.labels].map(([name, text]) => [name, template(text)]);
    this.#annotations = spec.annotations.map(([name, text]) => [name, template(text)]);
  }

  /** The most urgent state of its alerts; "unknown" before the first evaluation. */
  get state(): AlertState | "unknown" {
    if (this.memory.lastEvaluationMs === null) return "unknown";
    let state: AlertState = "inactive";
    for (const alert of this.memory.alerts.values()) {
      if (alert.state === "firing") return "firing";
      if (alert.state === "pending") state = "pending";
    }
    return state;
  }

  /** Copies of the alerts that are pending or firing. */
  activeAlerts(): Alert[] {
    const active: Alert[] = [];
    for (const alert of this.memory.alerts.values())
      if (alert.resolvedAtMs === null) active.push({ ...alert });
    return active;
  }

  /** Matchers for all `ALERTS_FOR_STATE` series of the rule; labels with templates are left out. */
  forStateMatchers(): Matcher[] {
    const matchers = [new Matcher("=", "__name__", "ALERTS_FOR_STATE")];
    for (const [name, value] of this.spec.labels) {
      if (name !== "alertname" && !value.includes("{{"))
        matchers.push(new Matcher("=", name, value));
    }
    matchers.push(new Matcher("=", "alertname", this.spec.name));
    return matchers;
  }

  /** Hands over what was stored before a restart; alerts take it when they appear. */
  offerForState(series: readonly ForStateSeries[]): void {
    const { memory } = this;
    memory.candidates = new Map();
    for (const one of series) {
      if (!one.stale) memory.candidates.set(one.labels.drop(nameOnly).key, one);
    }
    memory.candidateRounds = 2;
    memory.restored = true;
  }

  /**
   * Takes the result of an evaluation: alerts appear, fire, and are resolved. Returns samples of ALERTS and
   * ALERTS_FOR_STATE. Throws RULES_DUPLICATE (nothing has changed then) and RULES_LIMIT (all alerts are dropped).
   */
  async evaluate(
    result: readonly RuleSample[],
    timeMs: number,
    evaluation: AlertEvaluation,
  ): Promise<AppendSample[]> {
    const found = await this.#found(result, timeMs, evaluation);
    const { alerts } = this.memory;
    for (const [key, alert] of found) {
      const known = alerts.get(key);
      if (known !== undefined && known.state !== "inactive") {
        known.value = alert.value;
        known.annotations = alert.annotations;
        continue;
      }
      this.#restore(key, alert, timeMs, evaluation.gracePeriodMs);
      alerts.set(key, alert);
    }
    await this.#keepFiringOnes(found, timeMs, evaluation);
    this.#endRestoring();
    return this.#advance(found, timeMs, evaluation);
  }

  /** Alerts of a result as new ones, by the key of their labels. */
  async #found(
    result: readonly RuleSample[],
    timeMs: number,
    context: TemplateContext,
  ): Promise<Map<string, MutableAlert>> {
    const found = new Map<string, MutableAlert>();
    for (const sample of result) {
      const over: (readonly [string, string])[] = [["__name__", ""]];
      for (const [name, template] of this.#labels)
        over.push([name, await template.expand(sample, context)]);
      over.push(["alertname", this.spec.name]);
      const annotations = await this.#expandAnnotations(sample, context);
      const labels = overlay(sample.labels, overlayPairs(over));
      if (found.has(labels.key)) {
        throw new RulesError(
          "RULES_DUPLICATE",
          "vector contains metrics with the same labelset after applying alert labels",
        );
      }
      const value = sample.histogram === undefined ? sample.value : 0;
      found.set(labels.key, newAlert(labels, annotations, value, timeMs));
    }
    return found;
  }

  async #expandAnnotations(sample: RuleSample, context: TemplateContext): Promise<Annotations> {
    const annotations: (readonly [string, string])[] = [];
    for (const [name, template] of this.#annotations)
      annotations.push([name, await template.expand(sample, context)]);
    return annotations;
  }

  /**
   * Alerts that fired before a restart, whose condition is over, go on for `keep_firing_for` since they were last seen:
   * else they would be resolved by the restart. What their value was is not known any more.
   */
  async #keepFiringOnes(
    found: ReadonlyMap<string, MutableAlert>,
    timeMs: number,
    context: TemplateContext,
  ): Promise<void> {
    const { candidates, alerts } = this.memory;
    const { keepFiringForMs, forMs } = this.spec;
    if (candidates === null || keepFiringForMs <= 0) return;
    for (const [key, { labels: stored, lastTimeMs, lastValue }] of candidates) {
      const activeAtMs = Math.trunc(lastValue) * 1000;
      const fired = lastTimeMs - activeAtMs >= forMs;
      if (!fired || found.has(key) || alerts.has(key) || timeMs - lastTimeMs >= keepFiringForMs)
        continue;
      const labels = stored.drop(nameOnly);
      const sample = { labels, value: Number.NaN };
      const annotations = await this.#expandAnnotations(sample, context);
      const alert = newAlert(labels, annotations, Number.NaN, activeAtMs);
      alert.state = "firing";
      alert.firedAtMs = activeAtMs + forMs;
      alert.keepFiringSinceMs = lastTimeMs;
      alerts.set(key, alert);
    }
  }

  #restore(key: string, alert: MutableAlert, timeMs: number, gracePeriodMs: number): void {
    const before = this.memory.candidates?.get(key);
    if (before === undefined) return;
    this.memory.candidates!.delete(key);
    alert.activeAtMs = restoredActiveAt(before, this.spec.forMs, gracePeriodMs, timeMs);
  }

  #endRestoring(): void {
    const { memory } = this;
    if (memory.candidates !== null && --memory.candidateRounds <= 0) memory.candidates = null;
  }

  #advance(
    found: ReadonlyMap<string, MutableAlert>,
    timeMs: number,
    { sampleTimeMs, limit }: AlertEvaluation,
  ): AppendSample[] {
    const { alerts, restored } = this.memory;
    const samples: AppendSample[] = [];
    let active = 0;
    for (const [key, alert] of alerts) {
      if (found.has(key)) alert.keepFiringSinceMs = null;
      else if (!this.#keepsFiring(alert, timeMs)) {
        this.#resolve(key, alert, timeMs);
        continue;
      }
      active++;
      this.#promote(alert, timeMs);
      if (restored) this.#pushSamples(samples, alert, sampleTimeMs);
    }
    if (limit > 0 && active > limit) {
      alerts.clear();
      const message = `exceeded limit of ${limit} with ${active} alerts`;
      throw new RulesError("RULES_LIMIT", message, { limit, alerts: active });
    }
    return samples;
  }

  #keepsFiring(alert: MutableAlert, timeMs: number): boolean {
    const { keepFiringForMs } = this.spec;
    if (alert.state !== "firing" || keepFiringForMs <= 0) return false;
    alert.keepFiringSinceMs ??= timeMs;
    return timeMs - alert.keepFiringSinceMs < keepFiringForMs;
  }

  /** Pending alerts go; firing ones are resolved, and go after a while. */
  #resolve(key: string, alert: MutableAlert, timeMs: number): void {
    const { alerts } = this.memory;
    const { resolvedAtMs } = alert;
    if (
      alert.state === "pending" ||
      (resolvedAtMs !== null && timeMs - resolvedAtMs > resolvedRetentionMs)
    ) {
      alerts.delete(key);
    }
    if (alert.state !== "inactive") {
      alert.state = "inactive";
      alert.resolvedAtMs = timeMs;
    }
  }

  #promote(alert: MutableAlert, timeMs: number): void {
    const held = timeMs - alert.activeAtMs >= this.spec.forMs;
    if (alert.state === "pending" && held) {
      alert.state = "firing";
      alert.firedAtMs = timeMs;
    } else if (alert.state === "firing" && !held) {
      // A reload made `for` longer.
      alert.state = "pending";
      alert.firedAtMs = null;
      alert.lastSentAtMs = null;
      alert.keepFiringSinceMs = null;
    }
  }

  /** Labels of the rule lie below those of the alert, unexpanded where the alert has none of that name: Prometheus' way. */
  #pushSamples(samples: AppendSample[], alert: MutableAlert, timeMs: number): void {
    const base = overlay(this.spec.labels, alert.labels.pairs);
    const { name } = this.spec;
    samples.push(
      {
        labels: overlay(base, ["__name__", "ALERTS", "alertname", name, "alertstate", alert.state]),
        timeMs,
        value: 1,
      },
      {
        labels: overlay(base, ["__name__", "ALERTS_FOR_STATE", "alertname", name]),
        timeMs,
        value: Math.floor(alert.activeAtMs / 1000),
      },
    );
  }

  /**
   * Alerts that are due to be sent, as copies. They count as sent from now on, and as valid for four
   * intervals or resend delays, so that two failures in a row resolve nothing.
   */
  takeDue(timeMs: number, resendDelayMs: number, intervalMs: number): Alert[] {
    const due: Alert[] = [];
    for (const alert of this.memory.alerts.values()) {
      if (!isDue(alert, timeMs, resendDelayMs)) continue;
      alert.lastSentAtMs = timeMs;
      alert.validUntilMs = timeMs + 4 * Math.max(intervalMs, resendDelayMs);
      due.push({ ...alert });
    }
    return due;
  }
}

const nameOnly: ReadonlySet<string> = new Set(["__name__"]);

function newAlert(
  labels: Labels,
  annotations: Annotations,
  value: number,
  activeAtMs: number,
): MutableAlert {
  return {
    state: "pending",
    labels,
    annotations,
    value,
    activeAtMs,
    firedAtMs: null,
    resolvedAtMs: null,
    lastSentAtMs: null,
    validUntilMs: null,
    keepFiringSinceMs: null,
  };
}

function isDue(alert: MutableAlert, timeMs: number, resendDelayMs: number): boolean {
  if (alert.state === "pending") return false;
  const { lastSentAtMs, resolvedAtMs } = alert;
  if (lastSentAtMs === null) return true;
  if (resolvedAtMs !== null && resolvedAtMs > lastSentAtMs) return true;
  return lastSentAtMs + resendDelayMs < timeMs;
}
