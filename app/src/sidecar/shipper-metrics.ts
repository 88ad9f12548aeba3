// Metrics of uploading blocks.
import type { ShipperEvents } from "@deucalion/blocks";
import { Counter, Gauge, type Registry } from "prom-client";

/** Registers `thanos_shipper_*` and gives where the figures go. `now` is in ms. */
export function shipperMetrics(registry: Registry, now: () => number): ShipperEvents {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const syncs = counter(
    "thanos_shipper_dir_syncs_total",
    "Looks at the data folder that went well.",
  );
  const syncFailures = counter(
    "thanos_shipper_dir_sync_failures_total",
    "Looks at the data folder that failed.",
  );
  const uploads = counter("thanos_shipper_uploads_total", "Blocks uploaded.");
  const failures = counter(
    "thanos_shipper_upload_failures_total",
    "Uploads of blocks that failed.",
  );
  const corrupted = counter(
    "thanos_shipper_corrupted_blocks_total",
    "Blocks that were left out because they cannot be read.",
  );
  const compacted = gauge(
    "thanos_shipper_upload_compacted_done",
    "1 when all compacted blocks of the data folder are uploaded.",
  );
  const waiting = gauge(
    "deucalion_shipper_waiting_blocks",
    "Blocks in the data folder that are to be uploaded and are not yet.",
  );
  let since: number | undefined;
  new Gauge({
    name: "deucalion_shipper_upload_lag_seconds",
    help: "For how long the oldest of the waiting blocks has been complete; 0 if none waits.",
    registers,
    collect() {
      this.set(since === undefined ? 0 : Math.max(0, (now() - since) / 1000));
    },
  });
  return {
    synced: (ok) => (ok ? syncs : syncFailures).inc(),
    uploaded: () => uploads.inc(),
    uploadFailed: () => failures.inc(),
    corrupted: (blocks) => corrupted.inc(blocks),
    compactedDone: (done) => compacted.set(done ? 1 : 0),
    waiting: (blocks, sinceMs) => {
      waiting.set(blocks);
      since = sinceMs;
    },
  };
}
