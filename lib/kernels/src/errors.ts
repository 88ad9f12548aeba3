// Errors of @deucalion/kernels.
import { CodedError } from "@deucalion/base";

export type KernelErrorCode =
  | "KERNEL_TRUNCATED" // encoded samples end too early
  | "KERNEL_BITS" // encoded samples hold a bit pattern that no encoder writes
  | "KERNEL_RANGE"; // a number does not fit the format

export class KernelError extends CodedError<KernelErrorCode> {}
