// Rule groups of a Prometheus server, with its external labels.
import type { Labels, SourceContext } from "@deucalion/model";
import {
  type AlertInstance,
  type AlertingRule,
  AlertState,
  parseTimestamp,
  type RecordingRule,
  type RuleGroup,
  type RulesRequest,
  type RulesSource,
} from "@deucalion/storeapi";
import { type Json, labelsOf, listOf, numberOf, objectOf, textOf } from "./json-fields.ts";
import type { PrometheusClient } from "./prometheus-client.ts";

/** Prometheus answers in full or not at all, which is the strategy ABORT. */
const abort = 1;

function stateOf(value: unknown): number {
  return AlertState.values[textOf(value).toUpperCase()] ?? 0;
}

function alertInstance(json: Json): AlertInstance {
  const activeAt = textOf(json.activeAt);
  return {
    labels: labelsOf(json.labels),
    annotations: labelsOf(json.annotations),
    state: stateOf(json.state),
    ...(activeAt === "" ? {} : { activeAt: parseTimestamp(activeAt) }),
    value: textOf(json.value),
    partialResponseStrategy: 0,
  };
}

function recordingRule(json: Json, external: Labels): RecordingRule {
  return {
    name: textOf(json.name),
    query: textOf(json.query),
    labels: labelsOf(json.labels, external),
    health: textOf(json.health),
    lastError: textOf(json.lastError),
    evaluationDurationSeconds: numberOf(json.evaluationTime),
    lastEvaluation: parseTimestamp(textOf(json.lastEvaluation)),
  };
}

function alertingRule(json: Json, external: Labels): AlertingRule {
  return {
    ...recordingRule(json, external),
    state: stateOf(json.state),
    durationSeconds: numberOf(json.duration),
    annotations: labelsOf(json.annotations),
    alerts: listOf(json.alerts).map(alertInstance),
    keepFiringForSeconds: numberOf(json.keepFiringFor),
  };
}

function ruleGroup(json: Json, external: Labels): RuleGroup {
  return {
    name: textOf(json.name),
    file: textOf(json.file),
    rules: listOf(json.rules).map((rule) =>
      rule.type === "alerting"
        ? { alert: alertingRule(rule, external) }
        : { recording: recordingRule(rule, external) },
    ),
    interval: numberOf(json.interval),
    evaluationDurationSeconds: numberOf(json.evaluationTime),
    lastEvaluation: parseTimestamp(textOf(json.lastEvaluation)),
    limit: numberOf(json.limit),
    partialResponseStrategy: abort,
  };
}

const typeParams = [[], [["type", "alert"]], [["type", "record"]]] as const;

export class PrometheusRules implements RulesSource {
  readonly #client: PrometheusClient;
  readonly #externalLabels: () => Labels;

  constructor(client: PrometheusClient, externalLabels: () => Labels) {
    this.#client = client;
    this.#externalLabels = externalLabels;
  }

  async rules(request: RulesRequest, context: SourceContext): Promise<RuleGroup[]> {
    const { data } = await this.#client.api(
      "/api/v1/rules",
      typeParams[request.type] ?? [],
      context.signal,
    );
    const external = this.#externalLabels();
    return listOf(objectOf(data).groups).map((group) => ruleGroup(group, external));
  }
}
