// What a rule file says: groups and rules as data.
import type { Labels } from "@deucalion/model";

/** Whether a rule may be evaluated on an answer that some stores are missing from. */
export type PartialResponseStrategy = "abort" | "warn";

/** Names and texts in order of the names; texts may be empty. */
export type Annotations = readonly (readonly [name: string, text: string])[];

interface RuleSpecBase {
  /** `record` or `alert`. */
  readonly name: string;
  /** The expression as PromQL prints it, on one line. */
  readonly query: string;
  /**
   * Labels of the group with those of the rule over them, sorted by name; of alerting rules they are templates.
   * Unlike other label sets it keeps empty values: they take a label away from the result.
   */
  readonly labels: Labels;
}

export interface RecordingRuleSpec extends RuleSpecBase {
  readonly kind: "recording";
}

export interface AlertingRuleSpec extends RuleSpecBase {
  readonly kind: "alerting";
  /** `for`, in ms. */
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Templates. */
  readonly annotations: Annotations;
}

export type RuleSpec = RecordingRuleSpec | AlertingRuleSpec;

export interface RuleGroupSpec {
  readonly name: string;
  /** The file's name as given to the parser. */
  readonly file: string;
  /** 0 where the file names none: the evaluation interval of the process. */
  readonly intervalMs: number;
  /** Null where the file names none: the default of the process. */
  readonly queryOffsetMs: number | null;
  /** Series or alerts that one rule may give; 0 is no limit. */
  readonly limit: number;
  readonly partialResponseStrategy: PartialResponseStrategy;
  readonly rules: readonly RuleSpec[];
}

/** The outcome of reading one rule file. */
export interface RuleFileResult {
  /** Empty if there are errors. */
  readonly groups: readonly RuleGroupSpec[];
  /** In Prometheus' words, each beginning with the file's name. */
  readonly errors: readonly string[];
  /** What is not wrong but not taken: further YAML documents. */
  readonly warnings: readonly string[];
}
