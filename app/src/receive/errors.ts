// Errors of the receiver, and what they are to those who write.
import { CodedError } from "@deucalion/base";

export type ReceiveErrorCode =
  | "RECEIVE_BODY" // a request does not decode, or says what cannot be
  | "RECEIVE_TENANT" // a tenant's name is not one
  | "RECEIVE_REPLICA" // a replica number is beyond the replication factor
  | "RECEIVE_CONFLICT" // samples cannot be stored, now or ever
  | "RECEIVE_NOT_READY" // a receiver does not take writes yet
  | "RECEIVE_UNAVAILABLE" // a receiver cannot be reached, or too few of them
  | "RECEIVE_TOO_LARGE" // a request is beyond a limit
  | "RECEIVE_OVERLOADED" // as much is under way as memory allows
  | "RECEIVE_STORAGE" // the log could not be written
  | "RECEIVE_HASHRING"; // the hashring's configuration does not fit

export class ReceiveError extends CodedError<ReceiveErrorCode> {}

/** HTTP statuses of errors. */
export const httpStatusOf: Readonly<Record<ReceiveErrorCode, number>> = {
  RECEIVE_BODY: 400,
  RECEIVE_TENANT: 400,
  RECEIVE_REPLICA: 400,
  RECEIVE_CONFLICT: 409,
  RECEIVE_NOT_READY: 503,
  RECEIVE_UNAVAILABLE: 503,
  RECEIVE_TOO_LARGE: 413,
  RECEIVE_OVERLOADED: 429,
  RECEIVE_STORAGE: 500,
  RECEIVE_HASHRING: 500,
};
