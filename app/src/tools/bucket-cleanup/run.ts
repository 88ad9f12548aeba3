// `tools bucket cleanup`: deletes what is marked and what was left behind.
import {
  BucketView,
  type CleanDeps,
  cleanPartialUploads,
  deleteMarkedBlocks,
  labelShardFilter,
  silentEvents,
} from "@deucalion/blocks";
import type { Bucket } from "@deucalion/objstore";
import type { AppProcess } from "../../process/app-process.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import { selectorRelabel } from "../../store/selector.ts";
import type { BucketCleanupFlagValues } from "../bucket-flags.ts";

/** The view of a bucket that cleaning works on. */
export function cleaningView(
  bucket: Bucket,
  values: BucketCleanupFlagValues,
  { log, now }: AppProcess,
): BucketView {
  return new BucketView(
    {
      strategy: "concurrent",
      readsMax: Math.max(1, values["block-sync-concurrency"]),
      cacheDir: undefined,
      consistencyDelayMs: values["consistency-delay"],
      deleteDelayMs: values["delete-delay"],
      replicaLabels: [],
    },
    {
      bucket,
      firstFilters: [labelShardFilter(selectorRelabel(values["selector.relabel-config"].read()))],
      log,
      now,
    },
  );
}

/** One round of cleaning. */
export async function runBucketCleanup(
  values: BucketCleanupFlagValues,
  process: AppProcess,
): Promise<void> {
  const { log, now } = process;
  const bucket = openConfiguredBucket(values["objstore.config"].read(), process.registry);
  const signal = process.signals.stopping;
  const deps: CleanDeps = { bucket, log, now, events: silentEvents };
  try {
    log.info("syncing blocks metadata");
    const snapshot = await cleaningView(bucket, values, process).look(signal);
    log.info("synced blocks done");
    await cleanPartialUploads(snapshot, values["delete-delay"], deps, signal);
    await deleteMarkedBlocks(snapshot, values["delete-delay"], deps, signal);
    log.info("cleanup done");
  } finally {
    await bucket.close();
  }
}
