// `tools bucket upload-blocks`: uploads the blocks of a folder, as a sidecar would.
import { Shipper, shipperDefaults } from "@deucalion/blocks";
import { AppError } from "../../errors.ts";
import type { FlagValues } from "../../flags/flag-spec.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { parseExternalLabels } from "../../process/service-options.ts";
import { shipperMetrics } from "../../sidecar/shipper-metrics.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import type { bucketUploadBlocksFlags } from "../bucket-flags.ts";

/** Uploads what is not in the bucket yet and says how many blocks that were. Throws APP_CONFIG without labels. */
export async function runBucketUploadBlocks(
  values: FlagValues<typeof bucketUploadBlocksFlags>,
  process: AppProcess,
): Promise<void> {
  const { log, now, registry } = process;
  const labels = parseExternalLabels(values.label);
  if (labels.size === 0)
    throw new AppError("APP_CONFIG", 'no external labels: give at least one --label=name="value"');
  const bucket = openConfiguredBucket(values["objstore.config"].read(), registry, process);
  try {
    const shipper = new Shipper(
      {
        ...shipperDefaults,
        dir: values.path,
        source: "bucket.upload",
        uploadCompacted: values["shipper.upload-compacted"],
        filesAtOnce: Math.max(1, values["shipper.upload-concurrency"]),
      },
      { bucket, labels: () => labels, log, now, events: shipperMetrics(registry, now) },
    );
    const blocks = await shipper.sync(process.signals.stopping);
    log.info("synced blocks", { uploaded: blocks });
  } finally {
    await bucket.close();
  }
}
