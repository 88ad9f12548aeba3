// Public names of @deucalion/base.
export { ByteReader } from "./byte-reader.ts";
export { parseByteSize } from "./byte-size.ts";
export { ByteWriter } from "./byte-writer.ts";
export type { BaseErrorCode, ErrorData } from "./errors.ts";
export { BaseError, CodedError, invariant, messageOf } from "./errors.ts";
export { formatGoDuration, parseGoDuration } from "./go-duration.ts";
export type { Log, LogDeps, LogFields, LogFormat, LogLevel, LogOptions } from "./log.ts";
export { createLog, silentLog } from "./log.ts";
export { formatPromDuration, parsePromDuration } from "./prom-duration.ts";
export { putUvarint, uvarintLength } from "./uvarint.ts";
