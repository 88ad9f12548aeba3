// Errors of the Cap'n Proto protocol.
import { CodedError } from "@deucalion/base";

export type CapnprotoErrorCode =
  | "CAPNPROTO_FRAME" // the stream is not one of messages, or a message is too large
  | "CAPNPROTO_POINTER" // a pointer leads out of its message, to something else than expected, or to too much
  | "CAPNPROTO_CALL"; // a message of the RPC protocol that does not fit here, or the far side's refusal

export class CapnprotoError extends CodedError<CapnprotoErrorCode> {}
