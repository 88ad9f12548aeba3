// Marks that keep blocks from compaction and downsampling.
import { messageOf } from "@deucalion/base";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { eachLimited } from "../../each-limited.ts";
import {
  deletionMarkFile,
  type noCompactMarkFile,
  noDownsampleMarkFile,
  readDeletionMark,
} from "../../meta/markers.ts";

export type MarkFile = typeof noCompactMarkFile | typeof noDownsampleMarkFile;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

interface Mark {
  readonly version?: unknown;
  readonly reason?: unknown;
  readonly details?: unknown;
}

/**
 * The blocks of `ids` that have the mark, and why. A mark that is not JSON counts, with a warning: someone meant to
 * keep the block from being touched.
 */
export async function readBlockMarks(
  bucket: Bucket,
  ids: Iterable<string>,
  file: MarkFile,
  readsMax: number,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const marks = new Map<string, string>();
  await eachLimited(ids, readsMax, async (id) => {
    try {
      const text = decoder.decode(await bucket.get(`${id}/${file}`, signal));
      marks.set(id, reasonOf(text, id, file, warn));
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  });
  return marks;
}

function reasonOf(
  text: string,
  id: string,
  file: MarkFile,
  warn: (message: string) => void,
): string {
  let mark: Mark | null = null;
  try {
    mark = JSON.parse(text) as Mark | null;
  } catch (thrown) {
    warn(`block ${id}: ${file} is not JSON; it counts all the same: ${messageOf(thrown)}`);
  }
  const reason = typeof mark?.reason === "string" ? mark.reason : "manual";
  return typeof mark?.details === "string" && mark.details !== ""
    ? `${reason}: ${mark.details}`
    : reason;
}

/** Keeps a block from being downsampled. False if it is marked already. */
export async function markNoDownsample(
  bucket: Bucket,
  id: string,
  reason: string,
  details: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const name = `${id}/${noDownsampleMarkFile}`;
  if (await bucket.exists(name, signal)) return false;
  const mark = { id, version: 1, details, no_downsample_time: Math.floor(nowMs / 1000), reason };
  await bucket.upload(name, encoder.encode(JSON.stringify(mark)), {}, signal);
  return true;
}

/**
 * Marks a block for deletion; false if it is marked already. A mark that cannot be read, which nobody would act on, is
 * replaced.
 */
export async function retireBlock(
  bucket: Bucket,
  id: string,
  details: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await readDeletionMark(bucket, id, () => undefined, signal)) !== undefined) return false;
  const mark = { id, version: 1, details, deletion_time: Math.floor(nowMs / 1000) };
  const text = encoder.encode(JSON.stringify(mark));
  await bucket.upload(`${id}/${deletionMarkFile}`, text, {}, signal);
  return true;
}
