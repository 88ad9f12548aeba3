// Errors of @deucalion/blocks.
import { CodedError } from "@deucalion/base";

export type BlocksErrorCode =
  | "BLOCKS_META" // meta.json is not JSON, or a field of it has the wrong type
  | "BLOCKS_META_VERSION" // meta.json has a version that is not read
  | "BLOCKS_MARK" // a marker file cannot be read or has another version
  | "BLOCKS_LIST" // the blocks of the bucket could not be listed
  | "BLOCKS_RELABEL" // a selector relabel configuration is wrong
  | "BLOCKS_INDEX" // an index, or the index-header made from it, is damaged or not readable
  | "BLOCKS_SERVE" // a block could not be read for a query; the cause says why
  | "BLOCKS_SOURCE" // a source block of a compaction cannot be used; `reason` says why
  | "BLOCKS_RESULT" // a block that was just written does not hold what it should
  | "BLOCKS_HALT" // compaction stopped because it was told to stop at errors
  | "BLOCKS_LEASE" // another instance works on the same blocks
  | "BLOCKS_AGGREGATE" // a downsampled chunk does not have an aggregate that is needed, or has one too many
  | "BLOCKS_SHIP" // local blocks could not be uploaded
  | "BLOCKS_CACHE" // the configuration of a cache is wrong, or a package for it is missing
  | "BLOCKS_LIMIT_SERIES" // more series than one call may touch
  | "BLOCKS_LIMIT_SAMPLES" // more samples than one call may touch
  | "BLOCKS_LIMIT_BYTES" // more bytes than one call may read from the bucket
  | "BLOCKS_LIMIT_MEMORY"; // a call would hold more memory than there is for it

export class BlocksError extends CodedError<BlocksErrorCode> {}

/** True for errors that say the caller asked for too much: never turned into warnings. */
export function isLimit(error: unknown): boolean {
  return error instanceof BlocksError && error.code.startsWith("BLOCKS_LIMIT_");
}
