// Opens the bucket that `--objstore.config` describes, with metrics.
import { type Log, messageOf } from "@deucalion/base";
import { type Bucket, meteredBucket, openBucket, parseBucketConfig } from "@deucalion/objstore";
import type { Registry } from "prom-client";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { bucketMetrics } from "./bucket-metrics.ts";

export interface BucketAbout {
  readonly component?: string;
  readonly log?: Log;
  /** Labels of its metrics, where a process has several buckets. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Unix time in ms that never goes back. */
const clock = (): number => performance.timeOrigin + performance.now();

/**
 * Opens the bucket of a YAML text. Throws APP_CONFIG, saying what is wrong with it. `about` names the component to the
 * store and takes traces of its requests.
 */
export function openConfiguredBucket(
  text: string,
  registry: Registry,
  about: BucketAbout = {},
): Bucket {
  try {
    const { component, log } = about;
    const bucket = openBucket(parseBucketConfig(parse(text)), {
      ...(component === undefined ? {} : { component }),
      ...(log === undefined ? {} : { log }),
    });
    return meteredBucket(bucket, bucketMetrics(registry, bucket.name, about.labels), clock);
  } catch (cause) {
    throw new AppError("APP_CONFIG", `create bucket client: ${messageOf(cause)}`, {}, { cause });
  }
}
