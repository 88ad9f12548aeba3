// Errors of @deucalion/objstore.
import { CodedError } from "@deucalion/base";

export type ObjstoreErrorCode =
  | "OBJSTORE_NOT_FOUND" // the object does not exist
  | "OBJSTORE_EXISTS" // a conditional create met an object of that name
  | "OBJSTORE_NAME" // an object name is empty, absolute, or leaves the bucket
  | "OBJSTORE_TRUNCATED" // a body ended before its announced length
  | "OBJSTORE_IO" // the store could not be read or written
  | "OBJSTORE_CONFIG"; // the configuration is wrong

export class ObjstoreError extends CodedError<ObjstoreErrorCode> {}

/** True if the error says that an object does not exist, however deep it is wrapped. */
export function isNotFound(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at instanceof ObjstoreError && at.code === "OBJSTORE_NOT_FOUND") return true;
  }
  return false;
}
