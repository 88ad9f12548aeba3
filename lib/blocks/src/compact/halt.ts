// The error that stops a compactor for good where `--debug.halt-on-error` asks for it.
import { BlocksError } from "../errors.ts";

/** A person is needed. */
export class CompactionHalt extends BlocksError {
  constructor(message: string, options?: ErrorOptions) {
    super("BLOCKS_HALT", message, {}, options);
  }
}
