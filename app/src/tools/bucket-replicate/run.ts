// `tools bucket replicate`: copies blocks to another bucket, once or every minute.
import { messageOf } from "@deucalion/base";
import {
  DeletionMarkFilter,
  MetaFetcher,
  type MetaFilter,
  timePartitionFilter,
} from "@deucalion/blocks";
import { AppError } from "../../errors.ts";
import { resolveTime } from "../../flags/time-or-duration.ts";
import { createHttp } from "../../http/create-http.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { FetchMetrics } from "../../store/fetch-metrics.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import { sleep } from "../../store/sleep.ts";
import { chooseBlocks } from "./choose-blocks.ts";
import { type CopyDeps, copyBlock } from "./copy-block.ts";
import type { BucketReplicateOptions } from "./options.ts";
import { ReplicateMetrics } from "./replicate-metrics.ts";

const readsMax = 32;
const intervalMs = 60_000;

/** Sets the services up; they run in the process' group. Throws APP_CONFIG. */
export async function runBucketReplicate(
  options: BucketReplicateOptions,
  app: AppProcess,
): Promise<void> {
  const { log, now, registry } = app;
  const about = { component: "replicate", log };
  const from = openConfiguredBucket(options.fromConfig, registry, {
    ...about,
    labels: { replicate: "from" },
  });
  const to = openConfiguredBucket(options.toConfig, registry, {
    ...about,
    labels: { replicate: "to" },
  });
  const http = await createHttp({ ...app, component: "replicate" }, options.http, "");
  const metrics = new ReplicateMetrics(registry);
  const fetchMetrics = new FetchMetrics(registry);
  const filters: MetaFilter[] = [
    timePartitionFilter(
      () => resolveTime(options.minTime, now()),
      () => resolveTime(options.maxTime, now()),
    ),
  ];
  if (options.ignoreMarked) {
    const warn = (message: string): void => log.warn(message);
    filters.push(new DeletionMarkFilter({ delayMs: 0, readsMax }, { bucket: from, now, warn }));
  }
  const fetcher = new MetaFetcher(
    { strategy: "concurrent", readsMax, cacheDir: undefined },
    { bucket: from, filters, log, now },
  );
  const stop = new AbortController();
  const deps: CopyDeps = { from, to, log, events: metrics };
  const round = () => replicateRound(options, deps, fetcher, fetchMetrics, stop.signal);

  app.group.add({
    name: "replicate",
    execute: async () => {
      http.prober.ready();
      try {
        if (options.once) await round();
        while (!options.once && !stop.signal.aborted) {
          const begun = now();
          const failure = await round().then(
            () => undefined,
            (error: unknown) => ({ error }),
          );
          if (stop.signal.aborted) break;
          metrics.ran(failure === undefined, (now() - begun) / 1000);
          if (failure === undefined) log.info("ran replication successfully");
          else log.error("running replication failed", { err: messageOf(failure.error) });
          await sleep(Math.max(0, intervalMs - (now() - begun)), stop.signal);
        }
      } catch (error) {
        if (!stop.signal.aborted)
          throw new AppError("APP_RUN", `replication: ${messageOf(error)}`, {}, { cause: error });
      } finally {
        await from.close();
        await to.close();
      }
    },
    interrupt: () => stop.abort(new Error("the process is stopping")),
  });
  app.group.add(http.server);
  log.info("starting replication");
}

/** One look at the source and the copies it asks for. Ends at the first failure: older blocks come first. */
async function replicateRound(
  options: BucketReplicateOptions,
  deps: CopyDeps,
  fetcher: MetaFetcher,
  fetchMetrics: FetchMetrics,
  signal: AbortSignal,
): Promise<void> {
  const { log } = deps;
  log.info("running replication attempt");
  const view = await fetcher.fetch(signal).catch((error: unknown) => {
    fetchMetrics.observe(undefined);
    throw error;
  });
  fetchMetrics.observe(view);
  if (view.incomplete)
    throw new AppError("APP_RUN", `blocks could not be read: ${[...view.unreadable.keys()]}`);
  for (const [id, reason] of view.partial)
    log.info("block meta not uploaded yet. Skipping.", { block_uuid: id, reason });
  for (const { ulid } of chooseBlocks(view.metas.values(), options.choice, log)) {
    await copyBlock(ulid, deps, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new AppError("APP_RUN", `block ${ulid}: ${messageOf(cause)}`, { ulid }, { cause });
    });
  }
}
