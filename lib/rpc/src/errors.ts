// Errors of @deucalion/rpc: one code for each gRPC status, and one for each way in which bytes can be wrong.
import { CodedError } from "@deucalion/base";

export type RpcErrorCode =
  | "RPC_CANCELLED" // the caller gave up
  | "RPC_UNKNOWN" // the far side failed and did not say how
  | "RPC_INVALID_ARGUMENT" // the request can never succeed
  | "RPC_DEADLINE_EXCEEDED" // the deadline passed first
  | "RPC_NOT_FOUND" // what was asked for does not exist
  | "RPC_ALREADY_EXISTS" // what was to be made exists
  | "RPC_PERMISSION_DENIED" // the caller may not do this
  | "RPC_RESOURCE_EXHAUSTED" // a limit was reached
  | "RPC_FAILED_PRECONDITION" // not in this state
  | "RPC_ABORTED" // given up half-way
  | "RPC_OUT_OF_RANGE" // beyond the valid range
  | "RPC_UNIMPLEMENTED" // no such service, method or encoding
  | "RPC_INTERNAL" // a broken promise of the far side or of the transport
  | "RPC_UNAVAILABLE" // cannot be reached now
  | "RPC_DATA_LOSS" // data is lost
  | "RPC_UNAUTHENTICATED" // credentials are missing
  | "RPC_PROTO" // protobuf bytes are malformed or cut off
  | "RPC_SNAPPY" // a compressed message is malformed
  | "RPC_FRAME" // a gRPC frame is malformed or cut off
  | "RPC_MESSAGE_SIZE" // a message is larger than allowed
  | "RPC_ENCODING" // a message is compressed in a way we do not know
  | "RPC_CONFIG"; // an option makes no sense

/** An error of a call, of bytes, or of options. `statusOf` gives the gRPC status of each code. */
export class RpcError extends CodedError<RpcErrorCode> {}
