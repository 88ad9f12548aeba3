// The one table from PromQL's errors to the error types of the HTTP API.
import { messageOf } from "@deucalion/base";
import { PromqlError, type PromqlErrorCode } from "@deucalion/promql";
import { ApiError, type ApiErrorType } from "../../http/api-error.ts";

/** As Thanos answers a range query. */
export const promqlErrorType: Readonly<Record<PromqlErrorCode, ApiErrorType>> = {
  PROMQL_PARSE: "bad_data",
  PROMQL_EXECUTION: "execution",
  PROMQL_LIMIT: "execution",
  PROMQL_TIMEOUT: "timeout",
  PROMQL_CANCELED: "canceled",
  PROMQL_STORAGE: "execution",
};

/** What the client is told of an error. Instant queries call a failed store internal, as Thanos does. */
export function queryError(error: unknown, kind: "instant" | "range"): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof PromqlError)) {
    return new ApiError("execution", messageOf(error), { cause: error });
  }
  const storage = error.code === "PROMQL_STORAGE" && kind === "instant";
  return new ApiError(storage ? "internal" : promqlErrorType[error.code], error.message, {
    cause: error,
  });
}
