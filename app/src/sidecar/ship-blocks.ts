// The sidecar's uploading side: looks at the data folder every 30 s.
import { access } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { Shipper, shipperDefaults } from "@deucalion/blocks";
import type { Labels } from "@deucalion/model";
import { AppError } from "../errors.ts";
import type { AppProcess } from "../process/app-process.ts";
import type { Actor } from "../process/run-group.ts";
import { pause } from "../prometheus/prometheus-watch.ts";
import { openConfiguredBucket } from "../store/open-bucket.ts";
import type { SidecarOptions } from "./options.ts";
import { shipperMetrics } from "./shipper-metrics.ts";

const syncMs = 30_000;
const labelsPollMs = 250;

/** Uploads until it is stopped; ends with an error if Prometheus shows no external labels in time. */
export function shipBlocks(options: SidecarOptions, app: AppProcess, labels: () => Labels): Actor {
  const { log, now } = app;
  const bucket = openConfiguredBucket(options.bucketConfig, app.registry, {
    component: app.component,
    log,
    source: options.bucketConfigSource,
  });
  const { uploadConcurrency, hashFunc, ...shipping } = options.shipper;
  const shipper = new Shipper(
    {
      ...shipperDefaults,
      ...shipping,
      dir: options.tsdbPath,
      source: "sidecar",
      hash: hashFunc === "SHA256",
      filesAtOnce: Math.max(1, uploadConcurrency),
    },
    { bucket, labels, log, now, events: shipperMetrics(app.registry, now) },
  );
  const stop = new AbortController();
  const { signal } = stop;
  const execute = async (): Promise<void> => {
    try {
      await access(join(options.tsdbPath, "wal")).catch((error: unknown) => {
        log.error("the write-ahead log of Prometheus is not where --tsdb.path points", {
          err: messageOf(error),
        });
      });
      await labelsKnown(labels, options.prometheus.readyTimeoutMs, now, signal);
      while (!signal.aborted) {
        try {
          await shipper.sync(signal);
        } catch (error) {
          if (!signal.aborted) log.warn("uploading blocks failed", { err: messageOf(error) });
        }
        await pause(syncMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await bucket.close();
    }
  };
  return { name: "shipper", execute, interrupt: () => stop.abort(new Error("stopping")) };
}

async function labelsKnown(
  labels: () => Labels,
  timeoutMs: number,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  const end = now() + timeoutMs;
  while (labels().size === 0) {
    if (now() >= end) {
      throw new AppError(
        "APP_CONFIG",
        `aborting as no external labels found after waiting ${timeoutMs / 1000}s; is Prometheus healthy and reachable?`,
      );
    }
    await pause(Math.min(labelsPollMs, timeoutMs), signal);
    signal.throwIfAborted();
  }
}
