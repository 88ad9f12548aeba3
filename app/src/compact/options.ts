// Options of the compactor, from its flags.
import {
  type CompactionDedup,
  compactionRanges,
  compactionRangesMs,
  type DiscoveryStrategy,
  type Retention,
} from "@deucalion/blocks";
import { AppError } from "../errors.ts";
import type { ConfigText } from "../flags/config-text.ts";
import type { TimeOrDuration } from "../flags/time-or-duration.ts";
import { type HttpOptions, httpOptions } from "../process/service-options.ts";
import type { CompactFlagValues } from "./flags.ts";

export interface CompactOptions {
  readonly http: HttpOptions;
  /** Text of the bucket's configuration (YAML), environment filled in. */
  readonly bucketConfig: string;
  /** Where that text came from. */
  readonly bucketConfigSource: ConfigText;
  readonly dataDir: string;
  readonly selectorRelabelConfig: string;
  readonly minTime: TimeOrDuration;
  readonly maxTime: TimeOrDuration;
  readonly wait: boolean;
  readonly waitIntervalMs: number;
  /** Clean up this often beside the rounds; 0 only in them. */
  readonly cleanupIntervalMs: number;
  /** Count what is left to do this often; 0 never. */
  readonly progressIntervalMs: number;
  readonly dryRun: boolean;
  readonly haltOnError: boolean;
  readonly vertical: boolean;
  readonly acceptMalformedIndex: boolean;
  readonly skipOutOfOrderChunks: boolean;
  readonly rangesMs: readonly number[];
  readonly dedup: CompactionDedup;
  readonly replicaLabels: readonly string[];
  readonly discovery: DiscoveryStrategy;
  readonly metaFetchConcurrency: number;
  readonly filesConcurrency: number;
  readonly groupsConcurrency: number;
  readonly downsampling: boolean;
  readonly downsampleConcurrency: number;
  readonly consistencyDelayMs: number;
  readonly deleteDelayMs: number;
  readonly retention: Retention;
  readonly indexBytesMax: number;
  readonly hash: boolean;
  readonly viewer: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly web: {
    readonly disabled: boolean;
    readonly externalPrefix: string;
    readonly prefixHeader: string;
    readonly disableCors: boolean;
    readonly groupLabel: string;
    readonly disableAdmin: boolean;
  };
}

const hourMs = 3_600_000;

/** Data must live until it has been downsampled. Throws APP_CONFIG. */
function checkRetention({ rawMs, fiveMinutesMs }: Retention): void {
  if (rawMs !== 0 && rawMs < 40 * hourMs) {
    throw new AppError(
      "APP_CONFIG",
      "raw resolution must be higher than the minimum block size after which 5m resolution downsampling will occur (40 hours)",
    );
  }
  if (fiveMinutesMs !== 0 && fiveMinutesMs < 240 * hourMs) {
    throw new AppError(
      "APP_CONFIG",
      "5m resolution retention must be higher than the minimum block size after which 1h resolution downsampling will occur (10 days)",
    );
  }
}

function dedupOf(values: CompactFlagValues): CompactionDedup {
  const dedup = values["deduplication.func"] as CompactionDedup;
  if (dedup !== "" && values["deduplication.replica-label"].length === 0) {
    throw new AppError(
      "APP_CONFIG",
      `${dedup} based deduplication needs at least one replica label specified`,
    );
  }
  return dedup;
}

/** Checks the flags that depend on each other. Throws APP_CONFIG. */
export function compactOptions(values: CompactFlagValues): CompactOptions {
  const discovery = values["block-discovery-strategy"];
  if (discovery !== "concurrent" && discovery !== "recursive") {
    throw new AppError("APP_CONFIG", `unknown sync strategy ${discovery}`);
  }
  const level = values["debug.max-compaction-level"];
  if (level >= compactionRangesMs.length || level < 0) {
    throw new AppError(
      "APP_CONFIG",
      `get compaction levels: level is bigger then default set of ${compactionRangesMs.length}`,
    );
  }
  const groupsConcurrency = values["compact.concurrency"];
  if (groupsConcurrency <= 0) {
    throw new AppError(
      "APP_CONFIG",
      `create bucket compactor: invalid concurrency level (${groupsConcurrency}), concurrency level must be > 0`,
    );
  }
  const downsampling = !values["downsampling.disable"];
  const retention: Retention = {
    rawMs: values["retention.resolution-raw"],
    fiveMinutesMs: values["retention.resolution-5m"],
    oneHourMs: values["retention.resolution-1h"],
  };
  if (downsampling) checkRetention(retention);
  const haltOnError = values["debug.halt-on-error"];
  const replicaLabels = values["deduplication.replica-label"];
  return {
    http: httpOptions(values),
    bucketConfig: values["objstore.config"].read(),
    bucketConfigSource: values["objstore.config"],
    dataDir: values["data-dir"],
    selectorRelabelConfig: values["selector.relabel-config"].read(),
    minTime: values["min-time"],
    maxTime: values["max-time"],
    wait: values.wait,
    waitIntervalMs: values["wait-interval"],
    cleanupIntervalMs: values["compact.cleanup-interval"],
    progressIntervalMs: values["compact.progress-interval"],
    dryRun: values["dry-run"],
    haltOnError,
    // Overlaps heal by themselves unless Thanos' way is asked for.
    vertical:
      !haltOnError || values["compact.enable-vertical-compaction"] || replicaLabels.length > 0,
    acceptMalformedIndex: values["debug.accept-malformed-index"],
    skipOutOfOrderChunks: values["compact.skip-block-with-out-of-order-chunks"],
    rangesMs: compactionRanges(level),
    dedup: dedupOf(values),
    replicaLabels,
    discovery,
    metaFetchConcurrency: Math.max(1, values["block-meta-fetch-concurrency"]),
    filesConcurrency: Math.max(1, values["block-files-concurrency"]),
    groupsConcurrency,
    downsampling,
    downsampleConcurrency: Math.max(1, values["downsample.concurrency"]),
    consistencyDelayMs: values["consistency-delay"],
    deleteDelayMs: values["delete-delay"],
    retention,
    indexBytesMax: values["compact.block-max-index-size"],
    hash: values["hash-func"] === "SHA256",
    viewer: {
      intervalMs: values["block-viewer.global.sync-block-interval"],
      timeoutMs: values["block-viewer.global.sync-block-timeout"],
    },
    web: {
      disabled: values["web.disable"],
      externalPrefix: values["web.external-prefix"],
      prefixHeader: values["web.prefix-header"],
      disableCors: values["web.disable-cors"],
      groupLabel: values["bucket-web-label"],
      disableAdmin: values["disable-admin-operations"],
    },
  };
}
