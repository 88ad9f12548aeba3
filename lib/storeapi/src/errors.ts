// Errors of @deucalion/storeapi, and what they become on the wire.
import { CodedError, messageOf } from "@deucalion/base";
import { ModelError } from "@deucalion/model";
import { errorOfStatus, type GrpcStatus, RpcError, Status } from "@deucalion/rpc";

export type StoreApiErrorCode =
  | "STOREAPI_INVALID" // the request makes no sense; it will never succeed
  | "STOREAPI_NOT_READY" // the component has not started yet
  | "STOREAPI_ABORTED" // something is missing from the answer and partial answers are not wanted
  | "STOREAPI_NO_STORES" // no StoreAPI is known at all
  | "STOREAPI_TIMEOUT" // a store sent nothing for too long
  | "STOREAPI_LIMIT" // an answer is larger than allowed
  | "STOREAPI_FETCH" // a store failed
  | "STOREAPI_AGGREGATE" // a downsampled chunk lacks an aggregate or its aggregates do not fit together
  | "STOREAPI_CONFIG"; // an address, a file or an option is malformed

export class StoreApiError extends CodedError<StoreApiErrorCode> {}

const statusOfCode: Record<StoreApiErrorCode, GrpcStatus> = {
  STOREAPI_INVALID: Status.invalidArgument,
  STOREAPI_NOT_READY: Status.unknown,
  STOREAPI_ABORTED: Status.aborted,
  STOREAPI_NO_STORES: Status.unknown,
  STOREAPI_TIMEOUT: Status.aborted,
  STOREAPI_LIMIT: Status.resourceExhausted,
  STOREAPI_FETCH: Status.unknown,
  STOREAPI_AGGREGATE: Status.internal,
  STOREAPI_CONFIG: Status.internal,
};

/** What a handler throws, as an error of the gRPC layer with the right status. */
export function toRpcError(thrown: unknown): unknown {
  if (thrown instanceof RpcError) return thrown;
  if (thrown instanceof StoreApiError) {
    return errorOfStatus(statusOfCode[thrown.code], thrown.message);
  }
  if (thrown instanceof ModelError && thrown.code === "MODEL_REGEX") {
    return errorOfStatus(Status.invalidArgument, thrown.message);
  }
  if (thrown instanceof CodedError) return errorOfStatus(Status.unknown, messageOf(thrown));
  return thrown;
}
