// Marker files beside a block: marked for deletion, not to be compacted, not to be downsampled.
import { messageOf } from "@deucalion/base";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { BlocksError } from "../errors.ts";

export const deletionMarkFile = "deletion-mark.json";
export const noCompactMarkFile = "no-compact-mark.json";
export const noDownsampleMarkFile = "no-downsample-mark.json";

export interface DeletionMark {
  readonly id: string;
  readonly version: number;
  readonly details?: string;
  /** Unix seconds. */
  readonly deletion_time: number;
}

export interface NoCompactMark {
  readonly id: string;
  readonly version: number;
  readonly details?: string;
  /** Unix seconds. */
  readonly no_compact_time: number;
  readonly reason: string;
}

const encoder = new TextEncoder();

/**
 * The deletion mark of a block, or undefined. A mark that is not JSON is ignored with a warning, as a write in flight
 * may look so; another version throws BLOCKS_MARK.
 */
export async function readDeletionMark(
  bucket: Bucket,
  id: string,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<DeletionMark | undefined> {
  const name = `${id}/${deletionMarkFile}`;
  let text: string;
  try {
    text = new TextDecoder().decode(await bucket.get(name, signal));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  let mark: Partial<DeletionMark> | null;
  try {
    mark = JSON.parse(text) as Partial<DeletionMark> | null;
  } catch (error) {
    warn(`block ${id}: ${deletionMarkFile} is not JSON and is ignored: ${messageOf(error)}`);
    return undefined;
  }
  if (mark === null || typeof mark !== "object" || typeof mark.deletion_time !== "number") {
    warn(`block ${id}: ${deletionMarkFile} has no deletion_time and is ignored`);
    return undefined;
  }
  if (mark.version !== 1) {
    throw new BlocksError("BLOCKS_MARK", `unexpected version ${mark.version} of ${name}`, { id });
  }
  return { ...mark, id, version: 1, deletion_time: mark.deletion_time };
}

/** Writes a mark unless there is one; returns whether it was written. */
async function writeMark(
  bucket: Bucket,
  name: string,
  mark: DeletionMark | NoCompactMark,
  signal: AbortSignal,
): Promise<boolean> {
  if (await bucket.exists(name, signal)) return false;
  await bucket.upload(name, encoder.encode(JSON.stringify(mark)), {}, signal);
  return true;
}

/** Marks a block for deletion. False if it is marked already. `nowMs` is the time to write down. */
export function markForDeletion(
  bucket: Bucket,
  id: string,
  details: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const mark = { id, version: 1, details, deletion_time: Math.floor(nowMs / 1000) };
  return writeMark(bucket, `${id}/${deletionMarkFile}`, mark, signal);
}

/** Keeps a block from being compacted. False if it is marked already. */
export function markNoCompact(
  bucket: Bucket,
  id: string,
  reason: string,
  details: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const mark = { id, version: 1, details, no_compact_time: Math.floor(nowMs / 1000), reason };
  return writeMark(bucket, `${id}/${noCompactMarkFile}`, mark, signal);
}
