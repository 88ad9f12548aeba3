// Opens the bucket that `--objstore.config` describes, with metrics.
import { messageOf } from "@deucalion/base";
import { type Bucket, meteredBucket, openBucket, parseBucketConfig } from "@deucalion/objstore";
import type { Registry } from "prom-client";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { bucketMetrics } from "./bucket-metrics.ts";

/** Opens the bucket of a YAML text. Throws APP_CONFIG, saying what is wrong with it. */
export function openConfiguredBucket(text: string, registry: Registry): Bucket {
  try {
    const bucket = openBucket(parseBucketConfig(parse(text)));
    return meteredBucket(bucket, bucketMetrics(registry, bucket.name), () => performance.now());
  } catch (cause) {
    throw new AppError("APP_CONFIG", `create bucket client: ${messageOf(cause)}`, {}, { cause });
  }
}
