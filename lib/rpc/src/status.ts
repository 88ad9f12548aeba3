// gRPC status codes, their names, and how errors become statuses.
import { messageOf } from "@deucalion/base";
import { RpcError, type RpcErrorCode } from "./errors.ts";

/** A gRPC status code, 0 (OK) to 16. */
export type GrpcStatus = number;

export const Status = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** Names as the `grpc_code` label of metrics and Go's error texts have them; indexed by status. */
export const statusNames: readonly string[] = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

const statusOfCode: Record<RpcErrorCode, GrpcStatus> = {
  RPC_CANCELLED: Status.cancelled,
  RPC_UNKNOWN: Status.unknown,
  RPC_INVALID_ARGUMENT: Status.invalidArgument,
  RPC_DEADLINE_EXCEEDED: Status.deadlineExceeded,
  RPC_NOT_FOUND: Status.notFound,
  RPC_ALREADY_EXISTS: Status.alreadyExists,
  RPC_PERMISSION_DENIED: Status.permissionDenied,
  RPC_RESOURCE_EXHAUSTED: Status.resourceExhausted,
  RPC_FAILED_PRECONDITION: Status.failedPrecondition,
  RPC_ABORTED: Status.aborted,
  RPC_OUT_OF_RANGE: Status.outOfRange,
  RPC_UNIMPLEMENTED: Status.unimplemented,
  RPC_INTERNAL: Status.internal,
  RPC_UNAVAILABLE: Status.unavailable,
  RPC_DATA_LOSS: Status.dataLoss,
  RPC_UNAUTHENTICATED: Status.unauthenticated,
  RPC_PROTO: Status.internal,
  RPC_SNAPPY: Status.internal,
  RPC_FRAME: Status.internal,
  RPC_MESSAGE_SIZE: Status.resourceExhausted,
  RPC_ENCODING: Status.unimplemented,
  RPC_CONFIG: Status.internal,
};

const codeOfStatus: readonly RpcErrorCode[] = [
  "RPC_UNKNOWN",
  "RPC_CANCELLED",
  "RPC_UNKNOWN",
  "RPC_INVALID_ARGUMENT",
  "RPC_DEADLINE_EXCEEDED",
  "RPC_NOT_FOUND",
  "RPC_ALREADY_EXISTS",
  "RPC_PERMISSION_DENIED",
  "RPC_RESOURCE_EXHAUSTED",
  "RPC_FAILED_PRECONDITION",
  "RPC_ABORTED",
  "RPC_OUT_OF_RANGE",
  "RPC_UNIMPLEMENTED",
  "RPC_INTERNAL",
  "RPC_UNAVAILABLE",
  "RPC_DATA_LOSS",
  "RPC_UNAUTHENTICATED",
];

/** The error that a status received from the far side becomes; its message is the far side's. */
export function errorOfStatus(status: GrpcStatus, message: string): RpcError {
  return new RpcError(codeOfStatus[status] ?? "RPC_UNKNOWN", message, { status });
}

/** The status of anything thrown: that of an RpcError, Canceled and DeadlineExceeded of aborts, else Unknown. */
export function statusOf(thrown: unknown): GrpcStatus {
  if (thrown instanceof RpcError) return statusOfCode[thrown.code];
  if (thrown instanceof Error && thrown.name === "AbortError") return Status.cancelled;
  if (thrown instanceof Error && thrown.name === "TimeoutError") return Status.deadlineExceeded;
  return Status.unknown;
}

/** `rpc error: code = Unavailable desc = …`, as Go prints errors of calls. */
export function goErrorText(thrown: unknown): string {
  if (!(thrown instanceof RpcError)) return messageOf(thrown);
  return `rpc error: code = ${statusNames[statusOf(thrown)]} desc = ${thrown.message}`;
}

/** The gRPC status for an HTTP status of an answer that is not gRPC. */
export function statusOfHttp(http: number): GrpcStatus {
  switch (http) {
    case 400:
      return Status.internal;
    case 401:
      return Status.unauthenticated;
    case 403:
      return Status.permissionDenied;
    case 404:
      return Status.unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Status.unavailable;
    default:
      return Status.unknown;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Percent-encodes `grpc-message`: printable ASCII but `%` stays. */
export function encodeGrpcMessage(text: string): string {
  let out = "";
  for (const byte of encoder.encode(text)) {
    out +=
      byte >= 0x20 && byte < 0x7f && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** Reverses `encodeGrpcMessage`; what is not a valid escape stays as it is. */
export function decodeGrpcMessage(text: string): string {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const hex = text[i] === "%" ? text.slice(i + 1, i + 3) : "";
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else {
      for (const byte of encoder.encode(text[i]!)) bytes.push(byte);
    }
  }
  return decoder.decode(Uint8Array.from(bytes));
}
