// Metrics of object stores, under Thanos' names.
import type { BucketMetrics, BucketOperation } from "@deucalion/objstore";
import { Counter, Gauge, Histogram, type Metric, type Registry } from "prom-client";

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

/**
 * Registers `thanos_objstore_bucket_*` for a bucket and gives where its figures go. Buckets of one process share the
 * metrics; `extra` labels tell them apart and must have the same names for all.
 */
export function bucketMetrics(
  registry: Registry,
  bucket: string,
  extra: Readonly<Record<string, string>> = {},
): BucketMetrics {
  const own = { bucket, ...extra };
  const labelNames = [...Object.keys(own), "operation"];
  const about = { labelNames, registers: [registry] };
  const counter = (rest: string, help: string): Counter =>
    known(registry, rest) ?? new Counter({ name: fullName(rest), help, ...about });
  const histogram = (rest: string, help: string, buckets: number[]): Histogram =>
    known(registry, rest) ?? new Histogram({ name: fullName(rest), help, buckets, ...about });
  const total = counter("operations_total", "All attempted operations against the bucket.");
  const failures = counter(
    "operation_failures_total",
    "Operations that failed; a missing object is not a failure.",
  );
  const fetched = counter("operation_fetched_bytes_total", "Bytes fetched from the bucket.");
  const transferred = histogram(
    "operation_transferred_bytes",
    "Bytes moved by one operation.",
    bytesBuckets,
  );
  const seconds = histogram(
    "operation_duration_seconds",
    "Time of successful operations.",
    secondsBuckets,
  );
  const uploaded: Gauge =
    known(registry, "last_successful_upload_time") ??
    new Gauge({
      name: fullName("last_successful_upload_time"),
      help: "Unix time of the last successful upload.",
      labelNames: Object.keys(own),
      registers: [registry],
    });
  for (const operation of operations) {
    total.inc({ ...own, operation }, 0);
    failures.inc({ ...own, operation }, 0);
  }
  uploaded.set(own, 0);
  return {
    operation: (operation) => total.inc({ ...own, operation }),
    failure: (operation) => failures.inc({ ...own, operation }),
    transferred: (operation, bytes) => {
      if (operation !== "upload") fetched.inc({ ...own, operation }, bytes);
      transferred.observe({ ...own, operation }, bytes);
    },
    duration: (operation, value) => seconds.observe({ ...own, operation }, value),
    uploaded: (atSeconds) => uploaded.set(own, atSeconds),
  };
}

function fullName(rest: string): string {
  return `thanos_objstore_bucket_${rest}`;
}

/** The metric that another bucket of this process registered. */
function known<T extends Metric>(registry: Registry, rest: string): T | undefined {
  return registry.getSingleMetric(fullName(rest)) as T | undefined;
}
