// Errors of the ruler's own parts; those of rules are in @deucalion/rules.
import { CodedError } from "@deucalion/base";

export type RuleErrorCode =
  | "RULE_REMOTE" // a remote-write target did not take a request; data has `status`, 0 for none
  | "RULE_AUTH" // nothing could be had that proves to a target who sends; data has `status` 0
  | "RULE_SPOOL" // a file of samples that wait to be sent is damaged
  | "RULE_RELOAD"; // rule files cannot be used; the rules before stay

export class RuleError extends CodedError<RuleErrorCode> {}
