// Metrics of object stores, under Thanos' names.
import type { BucketMetrics, BucketOperation } from "@deucalion/objstore";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

const operations: readonly BucketOperation[] = [
  "iter",
  "get",
  "get_range",
  "exists",
  "upload",
  "delete",
  "attributes",
];

const secondsBuckets = [0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120];
const bytesBuckets = [12, 14, 16, 18, 20, 22, 24, 26, 28, 30].map((power) => 2 ** power);

/** Registers `thanos_objstore_bucket_*` for a bucket and gives where its figures go. */
export function bucketMetrics(registry: Registry, bucket: string): BucketMetrics {
  const registers = [registry];
  const name = (rest: string): string => `thanos_objstore_bucket_${rest}`;
  const labelNames = ["bucket", "operation"];
  const total = new Counter({
    name: name("operations_total"),
    help: "All attempted operations against the bucket.",
    labelNames,
    registers,
  });
  const failures = new Counter({
    name: name("operation_failures_total"),
    help: "Operations that failed; a missing object is not a failure.",
    labelNames,
    registers,
  });
  const fetched = new Counter({
    name: name("operation_fetched_bytes_total"),
    help: "Bytes fetched from the bucket.",
    labelNames,
    registers,
  });
  const transferred = new Histogram({
    name: name("operation_transferred_bytes"),
    help: "Bytes moved by one operation.",
    labelNames,
    buckets: bytesBuckets,
    registers,
  });
  const seconds = new Histogram({
    name: name("operation_duration_seconds"),
    help: "Time of successful operations.",
    labelNames,
    buckets: secondsBuckets,
    registers,
  });
  const uploaded = new Gauge({
    name: name("last_successful_upload_time"),
    help: "Unix time of the last successful upload.",
    labelNames: ["bucket"],
    registers,
  });
  for (const operation of operations) {
    total.inc({ bucket, operation }, 0);
    failures.inc({ bucket, operation }, 0);
  }
  uploaded.set({ bucket }, 0);
  return {
    operation: (operation) => total.inc({ bucket, operation }),
    failure: (operation) => failures.inc({ bucket, operation }),
    transferred: (operation, bytes) => {
      if (operation !== "upload") fetched.inc({ bucket, operation }, bytes);
      transferred.observe({ bucket, operation }, bytes);
    },
    duration: (operation, value) => seconds.observe({ bucket, operation }, value),
    uploaded: (atSeconds) => uploaded.set({ bucket }, atSeconds),
  };
}
