// The parent of every package's error class: a closed list of codes and data instead of prose.

/** Data that goes with an error: numbers, names, offsets. Never secrets. */
export type ErrorData = Readonly<Record<string, unknown>>;

/**
 * An error with a code from a closed list. Each package extends it once
 * (`class TsdbError extends CodedError<TsdbErrorCode>`).
 */
export class CodedError<Code extends string> extends Error {
  readonly code: Code;
  readonly data: ErrorData;

  constructor(code: Code, message: string, data: ErrorData = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.data = data;
  }
}

/** Codes of this package. */
export type BaseErrorCode =
  | "BASE_DURATION" // text is not a duration
  | "BASE_BYTES" // text is not a size in bytes
  | "BASE_TIME" // text is not a time
  | "BASE_TRUNCATED" // a cursor was asked for bytes beyond its end
  | "BASE_VARINT"; // a varint is longer than 64 bits

export class BaseError extends CodedError<BaseErrorCode> {}

/** Throws if a promise of our own code is broken; `what` says which. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${what}`);
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
