// Errors of JSON APIs, and the one table that turns their types into HTTP statuses.

/** Types as clients see them in `errorType`; "too_large" is sent as bad_data. */
export type ApiErrorType =
  | "bad_data"
  | "execution"
  | "canceled"
  | "timeout"
  | "internal"
  | "not_found"
  | "too_large";

/** HTTP status of each type. */
export const apiErrorStatus: Readonly<Record<ApiErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  canceled: 503,
  timeout: 503,
  internal: 500,
  not_found: 404,
  too_large: 413,
};

/** An error that the client is told. */
export class ApiError extends Error {
  readonly type: ApiErrorType;

  constructor(type: ApiErrorType, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiError";
    this.type = type;
  }
}

/** Short for the most frequent one. */
export function badData(message: string): ApiError {
  return new ApiError("bad_data", message);
}
