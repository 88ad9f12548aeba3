// OTLP metrics as series.
import { ReceiveError } from "../receive/errors.ts";
import type { DecodedWrite } from "../receive/write/decode-write.ts";

export interface OtlpOptions {
  readonly targetInfo: boolean;
  readonly promoted: readonly string[];
  readonly now: () => number;
}

/** Throws RECEIVE_BODY. */
export function decodeOtlp(_body: Uint8Array, _json: boolean, _options: OtlpOptions): DecodedWrite {
  throw new ReceiveError("RECEIVE_BODY", "OTLP is not part of this version yet");
}
