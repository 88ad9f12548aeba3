// `tools bucket retention`: marks blocks whose time is over, then cleans up.
import {
  applyRetention,
  type CleanDeps,
  cleanPartialUploads,
  deleteMarkedBlocks,
  type Retention,
  silentEvents,
} from "@deucalion/blocks";
import { AppError } from "../../errors.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import { cleaningView } from "../bucket-cleanup/run.ts";
import type { BucketRetentionFlagValues } from "../bucket-flags.ts";

/** One round of retention. */
export async function runBucketRetention(
  values: BucketRetentionFlagValues,
  process: AppProcess,
): Promise<void> {
  const { log, now } = process;
  const retention: Retention = {
    rawMs: values["retention.resolution-raw"],
    fiveMinutesMs: values["retention.resolution-5m"],
    oneHourMs: values["retention.resolution-1h"],
  };
  const bucket = openConfiguredBucket(values["objstore.config"].read(), process.registry);
  const signal = process.signals.stopping;
  const deps: CleanDeps = { bucket, log, now, events: silentEvents };
  try {
    const snapshot = await cleaningView(bucket, values, process).look(signal);
    if (snapshot.view.incomplete) {
      throw new AppError("APP_RUN", "incomplete view: some meta.json could not be read");
    }
    await applyRetention(snapshot.metas.values(), retention, deps, signal);
    await cleanPartialUploads(snapshot, values["delete-delay"], deps, signal);
    await deleteMarkedBlocks(snapshot, values["delete-delay"], deps, signal);
    log.info("retention done");
  } finally {
    await bucket.close();
  }
}
