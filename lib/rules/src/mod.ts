// Public names of @deucalion/rules.
export type { RulesErrorCode } from "./errors.ts";
export { RulesError } from "./errors.ts";
export type { Alert, AlertState } from "./group/alert.ts";
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
} from "./group/deps.ts";
export { ruleGroupDefaults } from "./group/deps.ts";
export type {
  AlertingRuleSpec,
  Annotations,
  PartialResponseStrategy,
  RecordingRuleSpec,
  RuleFileResult,
  RuleGroupSpec,
  RuleSpec,
} from "./spec.ts";
