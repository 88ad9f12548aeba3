// Errors of the query frontend.
import { CodedError } from "@deucalion/base";

export type FrontendErrorCode =
  | "FRONTEND_BAD_REQUEST" // the request is refused here, with 400
  | "FRONTEND_ANSWER" // the querier answered with something else than its API does; 500
  | "FRONTEND_UNREACHABLE" // the querier cannot be reached, every retry included; 500
  | "FRONTEND_TIMEOUT" // the time of the request is over; 504
  | "FRONTEND_CACHE"; // an entry of the cache does not read; it is asked for again

export class FrontendError extends CodedError<FrontendErrorCode> {}

/** An answer of the querier that is not a success: handed on with its status and body. */
export class DownstreamAnswer extends Error {
  readonly status: number;
  readonly body: Buffer;
  readonly contentType: string;

  constructor(status: number, body: Buffer, contentType: string) {
    super(`the querier answered ${status}`);
    this.status = status;
    this.body = body;
    this.contentType = contentType;
  }
}

/** Short for the most frequent one. */
export function refused(message: string): FrontendError {
  return new FrontendError("FRONTEND_BAD_REQUEST", message);
}
