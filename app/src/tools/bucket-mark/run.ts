// `tools bucket mark`: writes or removes markers of blocks.
import { blockIdOf, markForDeletion, markNoCompact, markNoDownsample } from "@deucalion/blocks";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { AppError } from "../../errors.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import type { BucketMarkFlagValues } from "../bucket-flags.ts";

const timeoutMs = 120_000;

/** Ids that are ULIDs. Throws APP_CONFIG. */
export function checkedIds(ids: readonly string[], what: string): readonly string[] {
  for (const id of ids) {
    if (blockIdOf(id) !== id) throw new AppError("APP_CONFIG", `${what}, got: ${id}`);
  }
  return ids;
}

async function mark(
  bucket: Bucket,
  id: string,
  values: BucketMarkFlagValues,
  nowMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const details = values.details ?? "";
  if (values.marker === "deletion-mark.json") {
    return markForDeletion(bucket, id, details, nowMs, signal);
  }
  const write = values.marker === "no-compact-mark.json" ? markNoCompact : markNoDownsample;
  return write(bucket, id, "manual", details, nowMs, signal);
}

/** Marks blocks; a mark that is there stays as it is. */
export async function runBucketMark(
  values: BucketMarkFlagValues,
  process: AppProcess,
): Promise<void> {
  const { log } = process;
  const ids = checkedIds(values.id, "block.id is not a valid UUID");
  if (!values.remove && !values.details) {
    throw new AppError("APP_CONFIG", "required flag --details not provided");
  }
  const bucket = openConfiguredBucket(values["objstore.config"].read(), process.registry);
  const signal = AbortSignal.any([process.signals.stopping, AbortSignal.timeout(timeoutMs)]);
  try {
    for (const id of ids) {
      if (values.remove) {
        await bucket.delete(`${id}/${values.marker}`, signal).catch((thrown: unknown) => {
          if (!isNotFound(thrown)) throw thrown;
          log.warn("requested to remove a mark that does not exist", { block: id });
        });
      } else if (!(await mark(bucket, id, values, process.now(), signal))) {
        log.warn("requested to mark, but the mark is there already", { block: id });
      }
    }
    log.info("marking done", { marker: values.marker, IDs: ids.join(",") });
  } finally {
    await bucket.close();
  }
}
