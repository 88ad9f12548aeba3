// Opens the bucket that `--objstore.config` describes, with metrics; settings that change are taken over.
import { type Log, messageOf, silentLog } from "@deucalion/base";
import {
  type Bucket,
  credentialFiles,
  filesStamp,
  meteredBucket,
  openBucket,
  parseBucketConfig,
  ReloadingBucket,
  type StartBucketSpan,
  tracedBucket,
} from "@deucalion/objstore";
import { Counter, type Registry } from "prom-client";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import type { ConfigText } from "../flags/config-text.ts";
import { bucketMetrics } from "./bucket-metrics.ts";

export interface BucketAbout {
  readonly component?: string;
  readonly log?: Log;
  /** Labels of its metrics, where a process has several buckets. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where the text came from: a file is read again when it changes. */
  readonly source?: ConfigText | undefined;
  /** Told of each call. */
  readonly startSpan?: StartBucketSpan;
}

/** Unix time in ms that never goes back. */
const clock = (): number => performance.timeOrigin + performance.now();

/**
 * Opens the bucket of a YAML text. Throws APP_CONFIG, saying what is wrong with it. `about` names the component to the
 * store and takes traces of its requests. Files with keys that the settings lead to are read again when they change.
 */
export function openConfiguredBucket(
  text: string,
  registry: Registry,
  about: BucketAbout = {},
): Bucket {
  try {
    const bucket = reloading(text, registry, about);
    const metered = meteredBucket(
      bucket,
      bucketMetrics(registry, bucket.name, about.labels),
      clock,
    );
    return about.startSpan === undefined ? metered : tracedBucket(metered, about.startSpan);
  } catch (cause) {
    throw new AppError("APP_CONFIG", `create bucket client: ${messageOf(cause)}`, {}, { cause });
  }
}

/** The bucket itself where nothing of its settings is in files. */
function reloading(text: string, registry: Registry, about: BucketAbout): Bucket {
  const { component, log, source } = about;
  const reloads = counter(
    registry,
    "deucalion_objstore_config_reloads_total",
    "Changes of the settings of an object store, by whether they could be used.",
    ["result"],
  );
  const hedges = counter(
    registry,
    "deucalion_objstore_hedged_requests_total",
    "Further requests for reads that took long.",
  );
  const open = (config: ReturnType<typeof parseBucketConfig>): Bucket =>
    openBucket(config, {
      ...(component === undefined ? {} : { component }),
      ...(log === undefined ? {} : { log }),
      hedged: () => hedges.inc(),
    });
  let config = parseBucketConfig(parse(text));
  const path = source?.path ?? "";
  const files = (): string[] => [...(path === "" ? [] : [path]), ...credentialFiles(config)];
  if (files().length === 0) return open(config);
  for (const result of ["success", "error"]) reloads.inc({ result }, 0);
  let first = true;
  return new ReloadingBucket({
    open: () => {
      if (!first && source !== undefined) config = parseBucketConfig(parse(source.read()));
      first = false;
      return open(config);
    },
    stamp: () => filesStamp(files()),
    log: log ?? silentLog,
    reloaded: (ok) => reloads.inc({ result: ok ? "success" : "error" }),
  });
}

/** Buckets of one process share their counters. */
function counter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[] = [],
): Counter {
  const known = registry.getSingleMetric(name) as Counter | undefined;
  return known ?? new Counter({ name, help, labelNames, registers: [registry] });
}
