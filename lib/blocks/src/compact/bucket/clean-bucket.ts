// What is taken out of a bucket: marked blocks when their time is over, uploads that were given up, blocks past retention.
import { formatPromDuration, type Log, messageOf } from "@deucalion/base";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { decodeTime } from "ulid";
import { eachLimited } from "../../each-limited.ts";
import type { BlockMeta } from "../../meta/block-meta.ts";
import { deletionMarkFile, readDeletionMark } from "../../meta/markers.ts";
import { planRetention, type Retention, retentionOf } from "../../plan/plan-retention.ts";
import type { CompactorEvents } from "../compactor-events.ts";
import { retireBlock } from "./block-marks.ts";
import type { BucketSnapshot } from "./bucket-view.ts";
import { deleteBlock } from "./delete-block.ts";

/** A partial upload is given up when nothing of it was written for so long. */
export const partialUploadAgeMs = 48 * 3_600_000;

const deletesAtOnce = 32;

export interface CleanDeps {
  readonly bucket: Bucket;
  readonly log: Log;
  readonly now: () => number;
  readonly events: CompactorEvents;
  /** Only say what would be done. */
  readonly dryRun?: boolean;
}

/** Deletes blocks that were marked longer ago than the delay. Returns their ids; failures are counted and logged. */
export async function deleteMarkedBlocks(
  snapshot: BucketSnapshot,
  deleteDelayMs: number,
  deps: CleanDeps,
  signal: AbortSignal,
): Promise<Set<string>> {
  const { bucket, log, now, events } = deps;
  const deleted = new Set<string>();
  await eachLimited(snapshot.deletionMarks.values(), deletesAtOnce, async (mark) => {
    if (now() - mark.deletion_time * 1000 <= deleteDelayMs) return;
    if (deps.dryRun === true) {
      log.info("would delete block marked for deletion", { block: mark.id });
      return;
    }
    try {
      await deleteBlock(bucket, mark.id, signal);
      deleted.add(mark.id);
      events.blockDeleted();
      log.info("deleted block marked for deletion", { block: mark.id });
    } catch (thrown) {
      signal.throwIfAborted();
      events.blockDeletionFailed();
      log.error("deleting a marked block failed", { block: mark.id, err: messageOf(thrown) });
    }
  });
  return deleted;
}

/** When something of the block was last written, ms; the time of its id where nobody says. */
async function lastModified(bucket: Bucket, id: string, signal: AbortSignal): Promise<number> {
  let last = 0;
  for await (const entry of bucket.iter(`${id}/`, { recursive: true }, signal)) {
    last = Math.max(last, entry.attributes?.lastModifiedMs ?? 0);
  }
  return last || decodeTime(id);
}

/** True if the block has a meta.json that someone wrote as a whole: then it was no upload that was cut off. */
async function hasSoundMeta(bucket: Bucket, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    const meta: unknown = JSON.parse(
      new TextDecoder().decode(await bucket.get(`${id}/meta.json`, signal)),
    );
    return typeof meta === "object" && meta !== null;
  } catch (thrown) {
    if (isNotFound(thrown) || thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}

/**
 * Deletes blocks without a usable meta.json that nobody has written to for two days, and takes up deletions that were
 * cut off. Blocks whose deletion mark is younger than the delay are left to it.
 */
export async function cleanPartialUploads(
  snapshot: BucketSnapshot,
  deleteDelayMs: number,
  deps: CleanDeps,
  signal: AbortSignal,
): Promise<void> {
  const { bucket, log, now, events } = deps;
  const warn = (message: string): void => log.warn(message);
  for (const id of snapshot.view.partial.keys()) {
    try {
      const mark = await readDeletionMark(bucket, id, warn, signal);
      if (mark !== undefined) {
        if (now() - mark.deletion_time * 1000 <= deleteDelayMs) continue;
      } else {
        const ageMs = now() - (await lastModified(bucket, id, signal));
        if (ageMs <= partialUploadAgeMs || (await hasSoundMeta(bucket, id, signal))) continue;
      }
      if (deps.dryRun === true) {
        log.info("would delete partially uploaded block", { block: id });
        continue;
      }
      events.partialDeletion();
      log.info("found partially uploaded block; deleting", { block: id });
      await deleteBlock(bucket, id, signal);
      events.blockDeleted();
    } catch (thrown) {
      signal.throwIfAborted();
      events.blockDeletionFailed();
      log.warn("cleaning a partial upload failed; it is tried again", {
        block: id,
        err: messageOf(thrown),
      });
    }
  }
}

/** Marks blocks past their retention. Returns how many; failures are logged and do not stop the others. */
export async function applyRetention(
  metas: Iterable<BlockMeta>,
  retention: Retention,
  deps: CleanDeps,
  signal: AbortSignal,
): Promise<number> {
  const { bucket, log, now, events } = deps;
  let marked = 0;
  for (const meta of planRetention(metas, retention, now())) {
    const keepMs = retentionOf(retention, meta.thanos.downsample.resolution);
    const details = `block exceeding retention of ${formatPromDuration(keepMs)}`;
    log.info("applying retention: marking block for deletion", {
      id: meta.ulid,
      maxTime: new Date(meta.maxTime).toISOString(),
    });
    if (deps.dryRun === true) continue;
    try {
      if (!(await retireBlock(bucket, meta.ulid, details, now(), signal))) continue;
      events.marked(deletionMarkFile, "");
      marked++;
    } catch (thrown) {
      signal.throwIfAborted();
      log.error("marking a block past retention failed", {
        id: meta.ulid,
        err: messageOf(thrown),
      });
    }
  }
  return marked;
}
