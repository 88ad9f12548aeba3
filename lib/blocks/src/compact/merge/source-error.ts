// What is wrong with a source block, so that it can be set aside and the rest goes on.
import { messageOf } from "@deucalion/base";
import { isNotFound } from "@deucalion/objstore";
import { TsdbError } from "@deucalion/tsdb";
import { BlocksError } from "../../errors.ts";

/** Why a block is set aside; the `reason` of its no-compact mark. The first four are Thanos'. */
export type SetAsideReason =
  | "block-index-out-of-order-chunk"
  | "index-size-exceeding"
  | "downsample-vertical-compaction"
  | "block-index-damaged"
  | "block-chunk-damaged"
  | "block-malformed";

/** A source block that cannot be used as it is. */
export class SourceBlockError extends BlocksError {
  readonly block: string;
  readonly reason: SetAsideReason;

  constructor(block: string, reason: SetAsideReason, message: string, options?: ErrorOptions) {
    super("BLOCKS_SOURCE", `block ${block}: ${message}`, { block, reason }, options);
    this.block = block;
    this.reason = reason;
  }
}

/**
 * Names the block in an error if its bytes are at fault; errors that may pass (the store cannot be reached) stay as
 * they are.
 */
export function sourceError(block: string, where: "index" | "chunks", thrown: unknown): unknown {
  if (thrown instanceof SourceBlockError) return thrown;
  const damaged =
    thrown instanceof TsdbError || thrown instanceof BlocksError || isNotFound(thrown);
  if (!damaged) return thrown;
  const reason = where === "index" ? "block-index-damaged" : "block-chunk-damaged";
  return new SourceBlockError(block, reason, messageOf(thrown), { cause: thrown });
}
