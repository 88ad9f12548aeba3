// Repairs of `tools bucket verify --repair`: everything that goes is copied to the backup bucket first.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BlockMeta,
  deleteBlock,
  repairBlock,
  retireBlock,
  uploadBlock,
  verifyWritten,
} from "@deucalion/blocks";
import { type Bucket, FilesystemBucket } from "@deucalion/objstore";
import { ulid } from "ulid";
import { AppError } from "../../errors.ts";
import type { VerifyContext } from "./issues.ts";

export interface RepairContext extends VerifyContext {
  readonly backup: Bucket;
  /** Mark instead of deleting when not 0, in ms. */
  readonly deleteDelayMs: number;
  readonly now: () => number;
}

/** Copies a block to the backup bucket, where it must not be yet. meta.json comes last. */
async function backUp({ bucket, backup, signal }: RepairContext, id: string): Promise<void> {
  const names: string[] = [];
  for await (const { name } of bucket.iter(`${id}/`, { recursive: true }, signal)) names.push(name);
  for await (const { name } of backup.iter(`${id}/`, { recursive: true }, signal)) {
    throw new AppError("APP_RUN", `backup bucket holds ${name} already`);
  }
  const meta = `${id}/meta.json`;
  const ordered = [...names.filter((name) => name !== meta), ...names.filter((n) => n === meta)];
  for (const name of ordered) await backup.upload(name, bucket.stream(name, signal), {}, signal);
}

/** Backs a block up, then deletes or marks it. */
export async function backUpAndRemove(context: RepairContext, id: string): Promise<void> {
  const { bucket, signal, deleteDelayMs, now, log } = context;
  await backUp(context, id);
  if (deleteDelayMs > 0) await retireBlock(bucket, id, "manual verify-repair", now(), signal);
  else await deleteBlock(bucket, id, signal);
  log.info(deleteDelayMs > 0 ? "marked block for deletion" : "deleted block", { id });
}

/** Writes a sound copy of a block with a new id, then removes the old one. */
export async function repairIndex(context: RepairContext, meta: BlockMeta): Promise<string> {
  const { bucket, signal, now } = context;
  if (meta.thanos.downsample.resolution > 0) {
    throw new AppError("APP_RUN", `cannot repair downsampled block ${meta.ulid}`);
  }
  const id = ulid(now());
  const scratch = await mkdtemp(join(tmpdir(), "deucalion-repair-"));
  const dir = join(scratch, id);
  try {
    const written = await repairBlock(bucket, meta, dir, signal);
    const { stats, segments } = written;
    const segmentFiles = segments.map(({ name }) => name);
    const { thanos } = meta;
    const section = { ...thanos, source: "bucket.repair", segment_files: segmentFiles };
    const result: BlockMeta = { ...meta, ulid: id, stats, thanos: section };
    const local = new FilesystemBucket(scratch);
    const content = await verifyWritten(local, result, written, signal);
    await local.close();
    const complete = { ...result, thanos: { ...section, index_stats: content.indexStats } };
    const upload = { hash: false, filesAtOnce: 1 };
    await uploadBlock(bucket, dir, complete, upload, now(), async () => undefined, signal);
    await backUpAndRemove(context, meta.ulid);
    return id;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
