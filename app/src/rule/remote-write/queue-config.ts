// The `queue_config` section of a remote-write target.
import { booleanField, durationField, fieldsOf, integerField } from "../clients/yaml-fields.ts";

export interface QueueConfig {
  readonly shardsMin: number;
  readonly shardsMax: number;
  readonly samplesPerSendMax: number;
  /** A batch that is not full goes after so long, ms. */
  readonly batchDeadlineMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly retryOn429: boolean;
  /** Samples older than this are not sent, ms; 0 sends all. */
  readonly sampleAgeMaxMs: number;
}

/** Prometheus' defaults. */
export const queueDefaults: QueueConfig = {
  shardsMin: 1,
  shardsMax: 50,
  samplesPerSendMax: 2000,
  batchDeadlineMs: 5000,
  backoffMinMs: 30,
  backoffMaxMs: 5000,
  retryOn429: false,
  sampleAgeMaxMs: 0,
};

const keys = [
  "capacity",
  "max_shards",
  "min_shards",
  "max_samples_per_send",
  "batch_send_deadline",
  "min_backoff",
  "max_backoff",
  "retry_on_http_429",
  "sample_age_limit",
];

/** Throws APP_CONFIG. */
export function readQueue(value: unknown, where: string): QueueConfig {
  const fields = fieldsOf(value, where, keys);
  const d = queueDefaults;
  const integer = (key: string, fallback: number): number =>
    integerField(fields[key], `${where}.${key}`, fallback, 1);
  const duration = (key: string, fallback: number): number =>
    durationField(fields[key], `${where}.${key}`, fallback);
  const shardsMax = integer("max_shards", d.shardsMax);
  return {
    shardsMax,
    shardsMin: Math.min(shardsMax, integer("min_shards", d.shardsMin)),
    samplesPerSendMax: integer("max_samples_per_send", d.samplesPerSendMax),
    batchDeadlineMs: duration("batch_send_deadline", d.batchDeadlineMs),
    backoffMinMs: duration("min_backoff", d.backoffMinMs),
    backoffMaxMs: duration("max_backoff", d.backoffMaxMs),
    retryOn429: booleanField(fields.retry_on_http_429, `${where}.retry_on_http_429`, d.retryOn429),
    sampleAgeMaxMs: duration("sample_age_limit", d.sampleAgeMaxMs),
  };
}
