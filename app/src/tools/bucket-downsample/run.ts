// `tools bucket downsample`: downsampling alone, round after round.

import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { BucketView, Compactor, compactionRangesMs, WorkerExecutor } from "@deucalion/blocks";
import { parseBucketConfig } from "@deucalion/objstore";
import { parse } from "yaml";
import { CompactMetrics } from "../../compact/compact-metrics.ts";
import { AppError } from "../../errors.ts";
import { createHttp } from "../../http/create-http.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { httpOptions } from "../../process/service-options.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import { sleep } from "../../store/sleep.ts";
import type { BucketDownsampleFlagValues } from "../bucket-flags.ts";

const readsMax = 32;
const nothing = { rawMs: 0, fiveMinutesMs: 0, oneHourMs: 0 };

/** Sets the services up; they run in the process' group. Throws APP_CONFIG. */
export async function runBucketDownsample(
  values: BucketDownsampleFlagValues,
  app: AppProcess,
): Promise<void> {
  const { log, now } = app;
  const config = values["objstore.config"].read();
  const bucket = openConfiguredBucket(config, app.registry);
  const http = await createHttp(app, httpOptions(values), "");
  const stop = new AbortController();
  const executor = new WorkerExecutor(parseBucketConfig(parse(config)));
  const view = new BucketView(
    {
      strategy: "concurrent",
      readsMax,
      cacheDir: undefined,
      consistencyDelayMs: 0,
      deleteDelayMs: 0,
      replicaLabels: [],
    },
    { bucket, firstFilters: [], log, now },
  );
  const compactor = new Compactor(
    {
      rangesMs: compactionRangesMs,
      dedup: "",
      vertical: true,
      haltOnError: false,
      acceptMalformedIndex: false,
      skipOutOfOrderChunks: false,
      indexBytesMax: Number.MAX_SAFE_INTEGER,
      groupsAtOnce: 1,
      plansAtOnce: 1,
      downsampling: true,
      downsamplesAtOnce: Math.max(1, values["downsample.concurrency"]),
      retention: nothing,
      deleteDelayMs: 0,
      upload: {
        hash: values["hash-func"] === "SHA256",
        filesAtOnce: Math.max(1, values["block-files-concurrency"]),
      },
      workDir: join(values["data-dir"], "downsample"),
    },
    {
      bucket,
      view,
      executor,
      leases: null,
      events: new CompactMetrics(app.registry, 0),
      log,
      now,
    },
  );
  app.group.add({
    name: "downsample",
    execute: async () => {
      http.prober.ready();
      try {
        while (!stop.signal.aborted) {
          const { failures } = await compactor.downsampleRound(stop.signal);
          if (failures.length > 0) throw new AppError("APP_RUN", failures.join("; "));
          log.info("downsampling iterations done");
          await sleep(values["wait-interval"], stop.signal);
        }
      } catch (thrown) {
        if (!stop.signal.aborted) {
          throw new AppError("APP_RUN", `downsampling failed: ${messageOf(thrown)}`);
        }
      } finally {
        await executor.close();
        await bucket.close();
      }
    },
    interrupt: () => stop.abort(new Error("the process is stopping")),
  });
  app.group.add(http.server);
}
