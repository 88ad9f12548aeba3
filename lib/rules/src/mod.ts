// Public names of @deucalion/rules.

export type {
  AppendRejection,
  AppendSample,
  ForStateSeries,
  IterationOutcome,
  RuleGroupDeps,
  RuleGroupOptions,
  RuleMetrics,
  RuleQueryOptions,
  RuleQueryResult,
  RuleRangeSeries,
  RuleSample,
} from "./deps.ts";
export { ruleGroupDefaults } from "./deps.ts";
export type { RulesErrorCode } from "./errors.ts";
export { RulesError } from "./errors.ts";
export type { GroupDifference } from "./group/carry-state.ts";
export { carryState, diffGroups } from "./group/carry-state.ts";
export { evaluationBatches } from "./group/dependencies.ts";
export { EvaluationSlots } from "./group/evaluation-slots.ts";
export { GroupLoop } from "./group/group-loop.ts";
export { groupKey, groupOffsetMs, slotBefore } from "./group/group-slot.ts";
export type { Rule } from "./group/rule-group.ts";
export { RuleGroup } from "./group/rule-group.ts";
export type { RuleManagerDeps } from "./group/rule-manager.ts";
export { RuleManager } from "./group/rule-manager.ts";
export type { Alert, AlertState } from "./rule/alert.ts";
export { AlertingRule } from "./rule/alerting-rule.ts";
export { restoredActiveAt } from "./rule/for-state.ts";
export { RecordingRule } from "./rule/recording-rule.ts";
export type { RuleHealth } from "./rule/rule-health.ts";
export { DurationSyntax, parseDuration } from "./rulefile/parse-duration.ts";
export type { RuleFileOptions } from "./rulefile/parse-rule-file.ts";
export { parseRuleFile, ruleFileDefaults } from "./rulefile/parse-rule-file.ts";
export type { Decode, ParsedYaml, Place } from "./rulefile/yaml-decoder.ts";
export { DecodeFailure, parseYaml, typeErrors, YamlDecoder } from "./rulefile/yaml-decoder.ts";
export type {
  AlertingRuleSpec,
  Annotations,
  PartialResponseStrategy,
  RecordingRuleSpec,
  RuleFileResult,
  RuleGroupSpec,
  RuleSpec,
} from "./spec.ts";
export type { TemplateContext } from "./template/alert-template.ts";
export { AlertTemplate, templateProblem } from "./template/alert-template.ts";
export { TextTemplate } from "./template/text-template.ts";
