// Errors of @deucalion/promql.
import { CodedError } from "@deucalion/base";

export type PromqlErrorCode =
  | "PROMQL_PARSE" // text is not a valid expression; the message is Prometheus' ("1:5: parse error: …")
  | "PROMQL_EXECUTION" // evaluation failed; the message is Prometheus'
  | "PROMQL_LIMIT" // a limit of samples, series or bytes was passed
  | "PROMQL_TIMEOUT" // the deadline passed
  | "PROMQL_CANCELED" // the caller gave up
  | "PROMQL_STORAGE"; // a source failed

export class PromqlError extends CodedError<PromqlErrorCode> {}
