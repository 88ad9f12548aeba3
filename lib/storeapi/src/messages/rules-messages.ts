// thanos.Rules: rule groups with their rules and alerts. JSON is that of the HTTP API.
import type { Labels } from "@deucalion/model";
import {
  defineMessage,
  type EnumType,
  enumField,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { LabelSet } from "./label-set.ts";
import { PartialResponseStrategy } from "./store-types.ts";
import { type Timestamp, TimestampMessage } from "./well-known.ts";

export const RulesRequestType: EnumType = {
  name: "thanos.RulesRequest.Type",
  values: { ALL: 0, ALERT: 1, RECORD: 2 },
  json: "name",
};

export interface RulesRequest {
  type: number;
  partialResponseStrategy: number;
  matcherString: string[];
  ruleName: string[];
  ruleGroup: string[];
  file: string[];
}

export const RulesRequestMessage = defineMessage<RulesRequest>("thanos.RulesRequest", [
  enumField(1, "type", RulesRequestType),
  enumField(2, "partial_response_strategy", PartialResponseStrategy),
  repeated(scalarField(3, "matcher_string", "string")),
  repeated(scalarField(4, "rule_name", "string")),
  repeated(scalarField(5, "rule_group", "string")),
  repeated(scalarField(6, "file", "string")),
]);

export const AlertState: EnumType = {
  name: "thanos.AlertState",
  values: { UNKNOWN: 0, INACTIVE: 1, PENDING: 2, FIRING: 3 },
  json: "lower",
};

export interface AlertInstance {
  labels: Labels;
  annotations: Labels;
  state: number;
  activeAt?: Timestamp;
  value: string;
  partialResponseStrategy: number;
}

const keep = { jsonKeep: true };
const strategyExtra = {
  key: "partialResponseStrategy",
  json: "partialResponseStrategy",
  jsonKeep: true,
};

export const AlertInstanceMessage = defineMessage<AlertInstance>("thanos.AlertInstance", [
  messageField(1, "labels", () => LabelSet, { nonNull: true }),
  messageField(2, "annotations", () => LabelSet, { nonNull: true }),
  enumField(3, "state", AlertState, keep),
  messageField(4, "active_at", () => TimestampMessage, { json: "activeAt" }),
  scalarField(5, "value", "string", keep),
  enumField(6, "PartialResponseStrategy", PartialResponseStrategy, strategyExtra),
]);

export interface AlertingRule {
  state: number;
  name: string;
  query: string;
  durationSeconds: number;
  labels: Labels;
  annotations: Labels;
  alerts: AlertInstance[];
  health: string;
  lastError: string;
  evaluationDurationSeconds: number;
  lastEvaluation: Timestamp;
  keepFiringForSeconds: number;
}

export const AlertMessage = defineMessage<AlertingRule>(
  "thanos.Alert",
  [
    enumField(1, "state", AlertState, keep),
    scalarField(2, "name", "string", keep),
    scalarField(3, "query", "string", keep),
    scalarField(4, "duration_seconds", "double", { json: "duration", jsonKeep: true }),
    messageField(5, "labels", () => LabelSet, { nonNull: true }),
    messageField(6, "annotations", () => LabelSet, { nonNull: true }),
    repeated(messageField(7, "alerts", () => AlertInstanceMessage, keep)),
    scalarField(8, "health", "string", keep),
    scalarField(9, "last_error", "string", { json: "lastError" }),
    scalarField(10, "evaluation_duration_seconds", "double", {
      json: "evaluationTime",
      jsonKeep: true,
    }),
    messageField(11, "last_evaluation", () => TimestampMessage, {
      json: "lastEvaluation",
      nonNull: true,
    }),
    scalarField(12, "keep_firing_for_seconds", "double", { json: "keepFiringFor", jsonKeep: true }),
  ],
  { toJson: (_, plain) => ({ ...plain(), type: "alerting" }) },
);

export interface RecordingRule {
  name: string;
  query: string;
  labels: Labels;
  health: string;
  lastError: string;
  evaluationDurationSeconds: number;
  lastEvaluation: Timestamp;
}

export const RecordingRuleMessage = defineMessage<RecordingRule>(
  "thanos.RecordingRule",
  [
    scalarField(1, "name", "string", keep),
    scalarField(2, "query", "string", keep),
    messageField(3, "labels", () => LabelSet, { nonNull: true }),
    scalarField(4, "health", "string", keep),
    scalarField(5, "last_error", "string", { json: "lastError" }),
    scalarField(6, "evaluation_duration_seconds", "double", {
      json: "evaluationTime",
      jsonKeep: true,
    }),
    messageField(7, "last_evaluation", () => TimestampMessage, {
      json: "lastEvaluation",
      nonNull: true,
    }),
  ],
  { toJson: (_, plain) => ({ ...plain(), type: "recording" }) },
);

/** Exactly one of the two is there. */
export interface Rule {
  recording?: RecordingRule;
  alert?: AlertingRule;
}

export const RuleMessage = defineMessage<Rule>(
  "thanos.Rule",
  [
    messageField(1, "recording", () => RecordingRuleMessage, { oneof: "result" }),
    messageField(2, "alert", () => AlertMessage, { oneof: "result" }),
  ],
  {
    toJson: (rule) =>
      rule.recording !== undefined
        ? RecordingRuleMessage.toJson(rule.recording)
        : rule.alert !== undefined
          ? AlertMessage.toJson(rule.alert)
          : null,
  },
);

export interface RuleGroup {
  name: string;
  file: string;
  rules: Rule[];
  interval: number;
  evaluationDurationSeconds: number;
  lastEvaluation: Timestamp;
  limit: number;
  partialResponseStrategy: number;
}

export const RuleGroupMessage = defineMessage<RuleGroup>("thanos.RuleGroup", [
  scalarField(1, "name", "string", keep),
  scalarField(2, "file", "string", keep),
  repeated(messageField(3, "rules", () => RuleMessage, keep)),
  scalarField(4, "interval", "double", keep),
  scalarField(5, "evaluation_duration_seconds", "double", {
    json: "evaluationTime",
    jsonKeep: true,
  }),
  messageField(6, "last_evaluation", () => TimestampMessage, {
    json: "lastEvaluation",
    nonNull: true,
  }),
  scalarField(9, "limit", "int64", keep),
  enumField(8, "PartialResponseStrategy", PartialResponseStrategy, strategyExtra),
]);

export const RuleGroupsMessage = defineMessage<{ groups: RuleGroup[] }>("thanos.RuleGroups", [
  repeated(messageField(1, "groups", () => RuleGroupMessage, keep)),
]);

export interface RulesResponse {
  group?: RuleGroup;
  warning?: string;
}

export const RulesResponseMessage = defineMessage<RulesResponse>("thanos.RulesResponse", [
  messageField(1, "group", () => RuleGroupMessage, { oneof: "result" }),
  scalarField(2, "warning", "string", { oneof: "result" }),
]);
