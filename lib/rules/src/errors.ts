// Errors of @deucalion/rules.
import { CodedError } from "@deucalion/base";

export type RulesErrorCode =
  | "RULES_UNAVAILABLE" // no queryable could be reached or its answer was not whole; worth doing again later
  | "RULES_QUERY" // a query was answered with an error
  | "RULES_RESULT" // the value of an expression is neither vector nor scalar
  | "RULES_DUPLICATE" // two series of a result are one after the labels of the rule
  | "RULES_LIMIT" // a rule gave more series or alerts than its group allows
  | "RULES_APPEND" // samples could not be stored
  | "RULES_TEMPLATE_PARSE" // a template does not parse; the message is Go's
  | "RULES_TEMPLATE_EXECUTE"; // a template failed while it ran; the message is Go's

export class RulesError extends CodedError<RulesErrorCode> {}
