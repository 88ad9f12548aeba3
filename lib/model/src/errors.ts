// Errors of @deucalion/model.
import { CodedError } from "@deucalion/base";

export type ModelErrorCode =
  | "MODEL_LABELS" // label bytes are malformed
  | "MODEL_REGEX" // a matcher's regular expression does not parse
  | "MODEL_HISTOGRAM"; // a native histogram is inconsistent

export class ModelError extends CodedError<ModelErrorCode> {}
