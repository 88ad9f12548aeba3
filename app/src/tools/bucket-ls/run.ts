// `tools bucket ls`: the blocks of a bucket, one after the other.
import { formatGoDuration } from "@deucalion/base";
import {
  type BlockMeta,
  DeletionMarkFilter,
  formatGoMeta,
  goMeta,
  labelShardFilter,
  MetaFetcher,
  type MetaFilter,
  timePartitionFilter,
} from "@deucalion/blocks";
import { resolveTime } from "../../flags/time-or-duration.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import { selectorRelabel } from "../../store/selector.ts";
import type { BucketLsFlagValues } from "../bucket-flags.ts";
import { blockTemplate } from "./block-template.ts";
import { failIfIncomplete } from "./incomplete-view.ts";
import { rfc3339 } from "./rfc3339.ts";

const readsMax = 32;

function wide(meta: BlockMeta): string {
  const seconds = (ms: number): number => Math.floor(ms / 1000) * 1000;
  const range = formatGoDuration(seconds(meta.maxTime) - seconds(meta.minTime));
  return (
    `${meta.ulid} -- ${rfc3339(meta.minTime)} - ${rfc3339(meta.maxTime)} Diff: ${range}, ` +
    `Compaction: ${meta.compaction.level}, Downsample: ${meta.thanos.downsample.resolution}, ` +
    `Source: ${meta.thanos.source}`
  );
}

/** How each block is printed. Throws APP_CONFIG for a template that cannot be read. */
function printer(output: string): (meta: BlockMeta) => string {
  if (output === "") return (meta) => meta.ulid;
  if (output === "wide") return wide;
  if (output === "json") return formatGoMeta;
  const template = blockTemplate(output);
  return (meta) => template(goMeta(meta));
}

/** Prints the blocks in order of their ids. */
export async function runBucketLs(values: BucketLsFlagValues, process: AppProcess): Promise<void> {
  const { log, now } = process;
  if (values.timeout < 60_000) log.warn("Timeout less than 1m could lead to frequent failures");
  const print = printer(values.output);
  const bucket = openConfiguredBucket(values["objstore.config"].read(), process.registry);
  const signal = AbortSignal.any([process.signals.stopping, AbortSignal.timeout(values.timeout)]);
  try {
    const filters: MetaFilter[] = [
      labelShardFilter(selectorRelabel(values["selector.relabel-config"].read())),
      timePartitionFilter(
        () => resolveTime(values["min-time"], now()),
        () => resolveTime(values["max-time"], now()),
      ),
    ];
    if (values["exclude-delete"]) {
      const warn = (message: string): void => log.warn(message);
      filters.push(new DeletionMarkFilter({ delayMs: 0, readsMax }, { bucket, now, warn }));
    }
    const fetcher = new MetaFetcher(
      { strategy: "concurrent", readsMax, cacheDir: undefined },
      { bucket, filters, log, now },
    );
    const view = await fetcher.fetch(signal);
    for (const meta of view.metas.values()) process.write(`${print(meta)}\n`);
    log.info("ls done", { objects: view.metas.size });
    failIfIncomplete(view);
  } finally {
    await bucket.close();
  }
}
