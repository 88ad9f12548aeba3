// Errors of the runner of PromQL test scripts.
import { CodedError } from "@deucalion/base";

export type ScriptErrorCode =
  | "PROMQLTEST_SCRIPT" // a line of a script is no command
  | "PROMQLTEST_SERIES" // a series or its sequence is malformed
  | "PROMQLTEST_MISMATCH"; // a result is not the expected one

export class ScriptError extends CodedError<ScriptErrorCode> {}
