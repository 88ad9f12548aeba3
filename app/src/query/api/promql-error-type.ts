// The one table from PromQL's errors to the error types of the HTTP API.
import { messageOf } from "@deucalion/base";
import { PromqlError, type PromqlErrorCode } from "@deucalion/promql";
import { ApiError, type ApiErrorType } from "../../http/answers/api-error.ts";

/** As Thanos answers a range query. */
export const promqlErrorType: Readonly<Record<PromqlErrorCode, ApiErrorType>> = {
  PROMQL_PARSE: "bad_data",
  PROMQL_EXECUTION: "execution",
  PROMQL_LIMIT: "execution",
  PROMQL_TIMEOUT: "timeout",
  PROMQL_CANCELED: "canceled",
  PROMQL_STORAGE: "execution",
};

/** The flag behind each limit. */
const limitFlags = new Map([
  ["maxSamples", "--query.max-samples"],
  ["maxBytesPerQuery", "--query.max-bytes-per-query"],
  ["maxBytes", "--query.max-bytes"],
]);

/** What went past a limit, with the flag that moves it, and how far the query had come. */
function limitText(error: PromqlError): string {
  const { limit, max, series, bytes } = error.data;
  const flag = limitFlags.get(String(limit));
  if (flag === undefined) return error.message;
  if (limit !== "maxSamples") return `${error.message} (flag ${flag})`;
  return `${error.message}: limit of ${max} samples (flag ${flag}), it read ${series} series and held ${bytes} bytes`;
}

/** What the client is told of an error. Instant queries call a failed store internal, as Thanos does. */
export function queryError(error: unknown, kind: "instant" | "range"): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof PromqlError)) {
    return new ApiError("execution", messageOf(error), { cause: error });
  }
  const storage = error.code === "PROMQL_STORAGE" && kind === "instant";
  const text = error.code === "PROMQL_LIMIT" ? limitText(error) : error.message;
  return new ApiError(storage ? "internal" : promqlErrorType[error.code], text, { cause: error });
}
