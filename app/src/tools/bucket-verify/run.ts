// `tools bucket verify`: looks for known issues and repairs some.
import { messageOf } from "@deucalion/base";
import { MetaFetcher } from "@deucalion/blocks";
import { openBucket, parseBucketConfig } from "@deucalion/objstore";
import { parse } from "yaml";
import { AppError } from "../../errors.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import type { BucketVerifyFlagValues } from "../bucket-flags.ts";
import { checkedIds } from "../bucket-mark/run.ts";
import { findDuplicates, type VerifyContext, verifyIndexes, verifyOverlaps } from "./issues.ts";
import { backUpAndRemove, type RepairContext, repairIndex } from "./repair.ts";

const issueNames = ["overlapped_blocks", "index_known_issues", "duplicated_compaction"];
const readsMax = 32;

/** Looks for the issues asked for; with `--repair` mends what can be mended. Issues alone are no failure. */
export async function runBucketVerify(
  values: BucketVerifyFlagValues,
  process: AppProcess,
): Promise<void> {
  const { log, now, registry } = process;
  const { issues, repair } = values;
  const unknown = issues.find((name) => !issueNames.includes(name));
  if (unknown !== undefined) throw new AppError("APP_CONFIG", `no such issue ID ${unknown}`);
  const ids = new Set(checkedIds(values.id, "invalid ULID found in --id flag"));
  const backupConfig = values["objstore-backup.config"].read();
  if (repair && backupConfig === "") {
    throw new AppError("APP_CONFIG", "repair is specified, so backup client is required");
  }
  const bucket = openConfiguredBucket(values["objstore.config"].read(), registry);
  const signal = process.signals.stopping;
  try {
    const fetcher = new MetaFetcher(
      { strategy: "concurrent", readsMax, cacheDir: undefined },
      { bucket, filters: [], log, now },
    );
    if (repair) log.warn("GLOBAL COMPACTOR SHOULD __NOT__ BE RUNNING ON THE SAME BUCKET");
    log.info(repair ? "Starting verify and repair task" : "Starting verify task");
    const { metas, unreadable } = await fetcher.fetch(signal);
    const wanted = (id: string): boolean => ids.size === 0 || ids.has(id);
    const context: VerifyContext = { bucket, log, metas, wanted, signal };
    if (repair) {
      // Metrics of a bucket exist once in a process: those of the bucket that is mended.
      const backup = openBucket(parseBucketConfig(parse(backupConfig)));
      const deleteDelayMs = values["delete-delay"];
      await repairAll(issues, { ...context, backup, deleteDelayMs, now });
      await backup.close();
    } else await verifyAll(issues, context);
    if (unreadable.size > 0) {
      throw new AppError("APP_RUN", `blocks cannot be read: ${[...unreadable.keys()].join(", ")}`);
    }
    log.info("verify task completed");
  } finally {
    await bucket.close();
  }
}

async function verifyAll(issues: readonly string[], context: VerifyContext): Promise<void> {
  for (const issue of issues) {
    if (issue === "overlapped_blocks") verifyOverlaps(context);
    else if (issue === "index_known_issues") await verifyIndexes(context);
    else findDuplicates(context);
  }
}

async function repairAll(issues: readonly string[], context: RepairContext): Promise<void> {
  const { log, metas } = context;
  for (const issue of issues) {
    if (issue === "overlapped_blocks") verifyOverlaps(context);
    else if (issue === "duplicated_compaction") {
      for (const id of findDuplicates(context)) await backUpAndRemove(context, id);
    } else {
      for (const id of (await verifyIndexes(context)).keys()) {
        try {
          const newId = await repairIndex(context, metas.get(id)!);
          log.info("repaired block", { id, newId });
        } catch (thrown) {
          context.signal.throwIfAborted();
          log.error("could not repair index", { id, err: messageOf(thrown) });
        }
      }
    }
  }
}
